import assert from "node:assert/strict";
import test from "node:test";
import type { ProposeResult } from "./api.js";
import { createProposals } from "./proposals.js";

function setUp() {
  let time = 0;
  const outcomes: Record<string, string> = {};
  const proposals = createProposals(() => time, () => undefined);
  const propose = (name: string, index: number, term: number) => proposals.add(index, term, 10, (result: ProposeResult) => void (outcomes[name] = result.outcome));
  return { proposals, propose, outcomes, pass: (milliseconds: number) => void (time += milliseconds) };
}

test("a proposal is not-leader only when another entry was applied in its place", () => {
  const { proposals, propose, outcomes } = setUp();
  propose("kept", 5, 2);
  propose("replaced", 6, 2);
  proposals.settle(5, 2, "applied");
  proposals.settle(6, 3, "applied");
  assert.deepEqual(outcomes, { kept: "applied", replaced: "not-leader" });
});

test("the index is proposed at again after the log was cut: the fate of the first is unknown, another server may still commit it", () => {
  const { proposals, propose, outcomes } = setUp();
  propose("first", 5, 2);
  proposals.orphan();
  propose("second", 5, 4);
  assert.deepEqual(outcomes, { first: "unknown" });
  proposals.settle(5, 4, "conflict");
  assert.deepEqual(outcomes, { first: "unknown", second: "conflict" });
  assert.equal(proposals.bytes(), 0);
});

test("an orphan is given up after a while, also when this server leads again", () => {
  const { proposals, propose, outcomes, pass } = setUp();
  propose("orphan", 9, 2);
  proposals.orphan();
  pass(1000);
  propose("fresh", 10, 4);
  proposals.expire();
  assert.deepEqual(outcomes, {});
  pass(1000);
  proposals.expire();
  assert.deepEqual(outcomes, { orphan: "unknown" });
  assert.equal(proposals.count(), 1);
});
