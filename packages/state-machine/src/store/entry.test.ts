import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import protobuf from "protobufjs";
import { decodeEntry, encodeEntry } from "./entry.js";
import type { StateEntry } from "./entry.js";
import { StateFormatError } from "./wire.js";

const key = fc.string({ minLength: 1, unit: "grapheme" });
const bytes = fc.uint8Array({ maxLength: 200 });
const number = fc.maxSafeNat();
const record = fc.tuple(key, bytes);
const anyEntry: fc.Arbitrary<StateEntry> = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), base: number, puts: fc.array(record), deletes: fc.array(key) }),
  fc.record({ kind: fc.constant("restore-begin" as const), id: fc.string() }),
  fc.record({ kind: fc.constant("restore-chunk" as const), id: fc.string(), seq: number, records: fc.array(record) }),
  fc.record({ kind: fc.constant("restore-commit" as const), id: fc.string(), chunks: number, digest: bytes }),
);

/** Buffers and arrays of bytes are the same thing here. */
const plain = (entry: StateEntry): unknown => JSON.parse(JSON.stringify(entry, (_name, value: unknown) => (ArrayBuffer.isView(value) ? [...(value as Uint8Array)] : (value as { type?: string })?.type === "Buffer" ? (value as { data: unknown }).data : value)));

test("an entry comes back as it was", () => {
  fc.assert(fc.property(anyEntry, (entry) => assert.deepEqual(plain(decodeEntry(encodeEntry(entry))), plain(entry))));
});

test("garbage is a StateFormatError and nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => {
      try {
        decodeEntry(garbage);
      } catch (error) {
        assert.ok(error instanceof StateFormatError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

test("an entry cut short is refused", () => {
  fc.assert(
    fc.property(anyEntry, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (entry, part) => {
      const whole = encodeEntry(entry);
      assert.throws(() => decodeEntry(whole.subarray(0, Math.floor(whole.length * part))), StateFormatError);
    }),
  );
});

test("a kind or field of a later version is refused, not skipped", () => {
  assert.throws(() => decodeEntry(Uint8Array.of((5 << 3) | 2, 0)), /unknown kind 5/);
  assert.throws(() => decodeEntry(Uint8Array.of((1 << 3) | 2, 2, (9 << 3) | 0, 1)), /unknown field 9/);
  assert.throws(() => decodeEntry(Buffer.concat([encodeEntry({ kind: "restore-begin", id: "a" }), Uint8Array.of(0)])), StateFormatError);
});

test("proto/state.proto describes what is written", () => {
  const schema = readFileSync(new URL("../../../../proto/state.proto", import.meta.url), "utf8");
  const type = protobuf.parse(schema, { keepCase: true }).root.lookupType("coffer.state.Entry");
  const entry = encodeEntry({ kind: "write", base: 2 ** 40 + 7, puts: [["k", Uint8Array.of(1, 2)]], deletes: ["gone"] });
  const read = type.toObject(type.decode(entry), { longs: Number, bytes: Array, defaults: true });
  assert.deepEqual(read, { write: { base: 2 ** 40 + 7, puts: [{ key: "k", value: [1, 2] }], deletes: ["gone"] } });
});
