import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { BREAKAGES } from "./breakages.js";
import { shippedWith } from "./mutation.js";
import { run } from "./run.js";

/** Every breakage is noticed within this many seeds; most are by one in ten, the rarest by one in a hundred or so, and any change to what is sent moves which ones. */
const FOUND_WITHIN = 500;

/**
 * For those that take more than ten seeds: one of them that noticed it when this was written. It is tried first, which saves the
 * many before it. Where it no longer notices, only time is lost, and the test tells which one to put here.
 */
const NOTICED_BY: Readonly<Record<string, number>> = {
  "a lease by a clock that stands still with its process": 71,
  "clocks that differ by more than a lease allows for": 25,
  "a server alone that leads at once, whoever led before": 219,
  "chunks of a state taken without a look at their checksum": 4,
  "an install that is not announced": 83,
  "a transfer whose leader is deposed waited for": 19,
  "reads without a round": 38,
  "a change before the leader's first commit": 356,
  "an empty server that votes for one who is behind": 109,
  "a lease that outlives the word to take over": 115,
  "a vote by a server that has just started": 161,
  "votes against a leader that was answered": 161,
  "a lease that begins with the answer": 65,
  "a removed leader that stays": 75,
  "a disk that forgets votes": 26,
  "a snapshot that drops half of a joint configuration": 3,
  "a log that keeps what is behind an overwritten entry": 27,
  "damaged entries read without a look at the checksum": 30,
  "a hard state read without a look at the checksum": 97,
  "a transfer that goes on in the wrong place": 15,
  "chunks of a state taken without a look at their number": 22,
  "many votes changed in one step": 71,
  "a change before the one before it is committed": 37,
  "a joint configuration left before it is committed": 71,
};

/** Plays seeds until one notices the breakage of this name: the one known, then 1 to FOUND_WITHIN. */
export async function assertNoticed(test: TestContext, name: string): Promise<void> {
  const breakage = BREAKAGES[name]!;
  const shipped = await shippedWith(breakage.mutations);
  const isNoticed = async (seed: number) => (await run({ seed, breakage, shipped })).violation !== undefined;
  const known = NOTICED_BY[name];
  if (known !== undefined && (await isNoticed(known))) return;
  for (let seed = 1; seed <= FOUND_WITHIN; seed++) {
    if (!(await isNoticed(seed))) continue;
    if (known !== undefined || seed > 10) test.diagnostic(`noticed by seed ${seed}: put it into NOTICED_BY of notice.ts`);
    return;
  }
  assert.fail(`not within ${FOUND_WITHIN} seeds`);
}
