import assert from "node:assert/strict";
import test from "node:test";
import type { Entry, Message, Ready } from "../core/types.js";
import { createPendingWrites } from "./pending-writes.js";

const NOTHING: Ready = { hardState: undefined, entries: [], snapshot: undefined, messagesNow: [], messagesAfterPersist: [], committed: [], reads: [], leadership: undefined };
const entry = (index: number, term: number): Entry => ({ index, term, kind: "normal", data: new Uint8Array() });
const heartbeat: Message = { type: "heartbeat", from: "a", to: "b", term: 2, commit: 0, round: 0, sentAt: 0 };
const places = (entries: readonly Entry[]) => entries.map(({ index, term }) => [index, term]);

test("entries that overwrite unwritten ones replace them, even from before the first of them", () => {
  const pending = createPendingWrites();
  pending.add({ ...NOTHING, entries: [entry(10, 2), entry(11, 2), entry(12, 2)] });
  pending.add({ ...NOTHING, entries: [entry(11, 3)] });
  pending.add({ ...NOTHING, entries: [entry(5, 4)] });
  assert.deepEqual(places(pending.take().entries), [[5, 4]]);
});

test("messages wait while a term is unwritten or being written, and only then", () => {
  const pending = createPendingWrites();
  assert.deepEqual(pending.add({ ...NOTHING, messagesNow: [heartbeat] }), [heartbeat]);
  pending.add({ ...NOTHING, hardState: { term: 2, vote: undefined, commit: 0 } });
  assert.deepEqual(pending.add({ ...NOTHING, messagesNow: [heartbeat] }), []);
  assert.deepEqual(pending.take().messages, [heartbeat]);
  assert.deepEqual(pending.add({ ...NOTHING, messagesNow: [heartbeat] }), []);
  pending.written();
  assert.deepEqual(pending.take().messages, [heartbeat]);
  assert.deepEqual(pending.add({ ...NOTHING, messagesNow: [heartbeat] }), [heartbeat]);
});
