import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import fc from "fast-check";
import protobuf from "protobufjs";
import type { Entry } from "../core/types.js";
import { UnknownEntryError } from "../log/record.js";
import { decodeFrame, encodeFrame } from "./frame.js";
import type { Sendable } from "./frame.js";

const schema = protobuf.loadSync(fileURLToPath(new URL("../../../../proto/raft.proto", import.meta.url))).lookupType("coffer.raft.v1.Frame");

const number = fc.oneof(fc.nat(300), fc.maxSafeNat());
const flag = fc.boolean();
const time = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const plain = <T extends object>(value: T): T => ({ ...value });
const entry: fc.Arbitrary<Entry> = fc.record({ index: number, term: number, kind: fc.constantFrom("normal" as const, "config" as const, "noop" as const), data: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) }).map(plain);
const envelope = { from: fc.constant("node-1"), to: fc.string(), term: number };
const message: fc.Arbitrary<Sendable> = fc.oneof(
  fc.record({ ...envelope, type: fc.constantFrom("pre-vote" as const, "vote" as const), lastIndex: number, lastTerm: number, force: flag }),
  fc.record({ ...envelope, type: fc.constantFrom("pre-vote-response" as const, "vote-response" as const), granted: flag }),
  fc.record({ ...envelope, type: fc.constant("append" as const), prevIndex: number, prevTerm: number, commit: number, entries: fc.array(entry, { maxLength: 5 }) }),
  fc.record({ ...envelope, type: fc.constant("append-response" as const), ok: flag, index: number, hintIndex: number, hintTerm: number, canLead: flag }),
  fc.record({ ...envelope, type: fc.constant("heartbeat" as const), commit: number, round: number, sentAt: time }),
  fc.record({ ...envelope, type: fc.constant("heartbeat-response" as const), round: number, canLead: flag, sentAt: time, patience: time }),
  fc.record({ ...envelope, type: fc.constant("snapshot-response" as const), ok: flag, index: number }),
  fc.record({ ...envelope, type: fc.constant("read-index" as const), id: number }),
  fc.record({ ...envelope, type: fc.constant("read-index-response" as const), id: number, index: fc.option(number, { nil: undefined }) }),
  fc.record({ ...envelope, type: fc.constant("timeout-now" as const) }),
).map(plain);
const messages = fc.array(message, { maxLength: 5 });

test("a frame comes back as it was, also when the protobuf library has read and written it by proto/raft.proto in between", () => {
  fc.assert(fc.property(messages, (sent) => {
    const frame = encodeFrame(sent);
    assert.deepEqual(decodeFrame(frame, "node-1"), sent);
    assert.deepEqual(decodeFrame(Buffer.from(schema.encode(schema.decode(frame)).finish()), "node-1"), sent);
  }));
});

test("each field has the name that proto/raft.proto gives it", () => {
  const read = (sent: Sendable) => (schema.toObject(schema.decode(encodeFrame([sent])), { longs: Number, enums: String, bytes: String }) as { messages: unknown[] }).messages[0];
  const common = { from: "a", to: "b", term: 2 ** 40 };
  const sent = { type: "append", ...common, prevIndex: 2 ** 33, prevTerm: 4, commit: 5, entries: [{ index: 6, term: 7, kind: "config", data: Buffer.from("abc") }] } as const;
  assert.deepEqual(read(sent), { ...common, type: "APPEND", index: 2 ** 33, logTerm: 4, commit: 5, entries: [{ index: 6, term: 7, kind: "CONFIG", data: "YWJj" }] });
  assert.deepEqual(read({ type: "append-response", ...common, ok: true, index: 1, hintIndex: 2, hintTerm: 3, canLead: true }), { ...common, type: "APPEND_RESPONSE", yes: true, index: 1, hintIndex: 2, hintTerm: 3, canLead: true });
  assert.deepEqual(read({ type: "heartbeat-response", ...common, round: 9, canLead: false, sentAt: 1.5, patience: 350 }), { ...common, type: "HEARTBEAT_RESPONSE", id: 9, sentAt: 1.5, patience: 350 });
  const names = ["PRE_VOTE", "VOTE", "PRE_VOTE_RESPONSE", "VOTE_RESPONSE", "APPEND", "APPEND_RESPONSE", "HEARTBEAT", "HEARTBEAT_RESPONSE", "SNAPSHOT_RESPONSE", "READ_INDEX", "READ_INDEX_RESPONSE", "TIMEOUT_NOW"];
  for (const type of names) assert.deepEqual(decodeFrame(Buffer.from(schema.encode(schema.fromObject({ messages: [{ type, from: "a" }] })).finish()), "a").map((known) => known.type.toUpperCase().replaceAll("-", "_")), [type]);
});

test("what a newer version adds is passed over: a type, and fields; an entry's kind is not", () => {
  const newer = protobuf.parse(`syntax = "proto3"; message Frame { repeated Message messages = 1; string note = 2; }
    message Message { uint32 type = 1; string from = 2; string more = 99; repeated Entry entries = 7; fixed64 last = 100; } message Entry { uint64 index = 1; uint32 kind = 3; bytes extra = 9; }`).root.lookupType("Frame");
  const frame = (...sent: object[]) => Buffer.from(newer.encode(newer.fromObject({ messages: sent, note: "n" })).finish());
  assert.deepEqual(decodeFrame(frame({ type: 50, from: "a" }, { type: 12, from: "a", more: "m", last: 3 }, { type: 12, from: "stranger" }), "a"), [{ type: "timeout-now", from: "a", to: "", term: 0 }]);
  assert.throws(() => decodeFrame(frame({ type: 5, from: "a", entries: [{ index: 8, kind: 2, extra: "" }, { index: 9, kind: 3 }] }), "a"), (error) => error instanceof UnknownEntryError && /entry 9 .* kind 3/.test(error.message));
});

test("garbage and frames cut short are errors or fewer messages, never others", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (garbage) => {
    try {
      for (const { from } of decodeFrame(garbage, "node-1")) assert.equal(from, "node-1");
    } catch (error) {
      assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), String(error));
    }
  }), { numRuns: 2000 });
  fc.assert(fc.property(message, fc.double({ min: 0.01, max: 1, maxExcluded: true, noNaN: true }), (sent, part) => {
    const whole = encodeFrame([sent]);
    assert.throws(() => decodeFrame(whole.subarray(0, Math.ceil((whole.length - 1) * part)), "node-1"), RangeError);
  }));
});
