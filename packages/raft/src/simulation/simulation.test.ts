import assert from "node:assert/strict";
import test from "node:test";
import { newCounts } from "./checker.js";
import type { Counts } from "./checker.js";
import { run } from "./run.js";

const SEEDS = 300;
/** What a seed brings on average, at least: the faults leave room for work, and the work meets the faults. */
const PER_SEED: Counts = { committed: 70, elections: 5, acknowledged: 50, reads: 40, installs: 1, changes: 4, joint: 0.4, transfers: 0.7, damages: 0.3, resumes: 0.2, reapplied: 1 };

test(`${SEEDS} seeds of faults break no promise, and the cluster comes back each time`, async () => {
  const total = newCounts();
  const names = Object.keys(total) as (keyof Counts)[];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violation, tick, counts } = await run({ seed });
    assert.equal(violation, undefined, `npm run sim -- --seeds 1 --from ${seed} (tick ${tick})`);
    for (const name of names) total[name] += counts[name];
  }
  for (const name of names) assert.ok(total[name] >= PER_SEED[name] * SEEDS, `${name}: ${total[name]} in ${SEEDS} seeds`);
});

test("the same seed gives the same run, to the last commit, and another seed another", async () => {
  for (const seed of [7, 8]) assert.deepEqual(await run({ seed }), await run({ seed }));
  assert.notEqual((await run({ seed: 7 })).digest, (await run({ seed: 8 })).digest);
});
