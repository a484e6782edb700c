import assert from "node:assert/strict";
import { test } from "node:test";
import { createAppliedFeed } from "./applied-feed.js";
import type { StateChange } from "./state-machine.js";

function feedOf({ isLeader = false, holdMs = 60_000 } = {}) {
  const told: StateChange[] = [];
  const feed = createAppliedFeed((change) => void told.push(change), () => isLeader, holdMs);
  return { told, feed };
}

test("a standby's changes are told together, before whatever else is told", () => {
  const { told, feed } = feedOf();
  feed.changed({ index: 1, keys: ["a"] });
  feed.changed({ index: 2, keys: ["b", "a"] });
  assert.deepEqual(told, []);
  feed.flush();
  assert.deepEqual(told, [{ index: 2, keys: ["a", "b", "a"] }]);
  feed.flush();
  assert.equal(told.length, 1);
});

test("what is held is told after a while by itself", async () => {
  const told = await new Promise<StateChange>((resolve) => {
    createAppliedFeed(resolve, () => false, 1).changed({ index: 1, keys: ["a"] });
  });
  assert.deepEqual(told, { index: 1, keys: ["a"] });
});

test("a leader's changes are told at once", () => {
  const { told, feed } = feedOf({ isLeader: true });
  feed.changed({ index: 1, keys: ["a"] });
  assert.deepEqual(told, [{ index: 1, keys: ["a"] }]);
});

test("nothing is held up to an entry that somebody waits for", () => {
  const { told, feed } = feedOf();
  feed.changed({ index: 1, keys: ["a"] });
  feed.awaited(3);
  assert.deepEqual(told, [{ index: 1, keys: ["a"] }]);
  feed.changed({ index: 2, keys: ["b"] });
  feed.changed({ index: 3, keys: ["c"] });
  feed.changed({ index: 4, keys: ["d"] });
  assert.deepEqual(told.map(({ index }) => index), [1, 2, 3]);
  feed.flush();
  assert.equal(told[3]?.index, 4);
});

test("a state that was replaced is told at once, behind what was held of the one before", () => {
  const { told, feed } = feedOf();
  feed.changed({ index: 1, keys: ["a"] });
  feed.changed({ index: 9, keys: [], location: "state-2" });
  assert.deepEqual(told, [{ index: 1, keys: ["a"] }, { index: 9, keys: [], location: "state-2" }]);
});
