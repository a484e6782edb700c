import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRecentValues } from "./recent-values.js";

test("whatever is read and written in whatever order, it gives what the database holds", () => {
  const key = fc.constantFrom("a", "b", "c", "d", "e", "f");
  const step = fc.oneof(fc.record({ kind: fc.constant("get" as const), key }), fc.record({ kind: fc.constant("put" as const), key, size: fc.constantFrom(1, 8, 5000) }), fc.record({ kind: fc.constant("delete" as const), key }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 6 }), (steps, entries) => {
      const database = new Map<string, Uint8Array>();
      const recent = createRecentValues(entries, (wanted) => database.get(wanted));
      for (const [i, one] of steps.entries()) {
        if (one.kind === "get") assert.equal(recent.get(one.key), database.get(one.key));
        else {
          const value = one.kind === "put" ? new Uint8Array(one.size).fill(i) : null;
          if (value) database.set(one.key, value);
          else database.delete(one.key);
          recent.changed(one.key, value);
        }
      }
    }),
  );
});

test("a value looked at twice is read once, until it is written or falls out", () => {
  const reads: string[] = [];
  const recent = createRecentValues(4, (key) => (reads.push(key), Buffer.from(key)));
  for (const key of ["a", "a", "b", "a"]) recent.get(key);
  assert.deepEqual(reads, ["a", "b"]);
  for (const key of ["c", "d", "e", "f", "a"]) recent.get(key);
  assert.equal(reads.at(-1), "a");
});
