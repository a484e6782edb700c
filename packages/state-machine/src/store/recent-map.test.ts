import assert from "node:assert/strict";
import { test } from "node:test";
import { createRecentMap } from "./recent-map.js";

test("what is used stays, what is not goes, and there are never more than so many", () => {
  const map = createRecentMap<number>(4);
  map.set("used", 0);
  for (let n = 1; n <= 20; n++) {
    map.set(`key-${n}`, n);
    assert.equal(map.get("used"), 0);
  }
  const kept = Array.from({ length: 20 }, (_, i) => map.get(`key-${i + 1}`)).filter((value) => value !== undefined);
  assert.ok(kept.length <= 3 && kept.includes(20), String(kept));
});

test("a value is replaced, deleted and cleared in either generation", () => {
  const map = createRecentMap<string>(4);
  for (const key of ["a", "b", "c"]) map.set(key, "first");
  map.set("a", "second");
  assert.equal(map.get("a"), "second");
  map.delete("a");
  map.delete("c");
  assert.deepEqual(["a", "b", "c"].map(map.get), [undefined, "first", undefined]);
  map.clear();
  assert.equal(map.get("b"), undefined);
});
