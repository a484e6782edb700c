import assert from "node:assert/strict";
import test from "node:test";
import { BREAKAGES } from "./breakages.js";
import { run } from "./run.js";

const SEEDS = 200;
/**
 * Every breakage is noticed within this many seeds. Most are by one in ten; a disk that forgets votes is by about one in a
 * hundred, and any change to what the core sends moves which ones.
 */
const FOUND_WITHIN = 500;

test(`${SEEDS} seeds of faults break no promise, and the cluster comes back each time`, () => {
  const total = { committed: 0, elections: 0, acknowledged: 0, reads: 0, installs: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violation, tick, counts } = run({ seed });
    assert.equal(violation, undefined, `npm run sim -- --seeds 1 --from ${seed} (tick ${tick})`);
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += counts[key];
  }
  // The faults leave room for work, and the work meets the faults.
  assert.ok(total.acknowledged > 50 * SEEDS && total.reads > 30 * SEEDS && total.elections > 5 * SEEDS && total.installs > SEEDS, JSON.stringify(total));
});

test("the same seed gives the same run", () => {
  assert.deepEqual(run({ seed: 7 }), run({ seed: 7 }));
});

for (const [name, breakage] of Object.entries(BREAKAGES)) {
  test(`the simulator notices ${name}`, () => {
    for (let seed = 1; seed <= FOUND_WITHIN; seed++) if (run({ seed, breakage }).violation) return;
    assert.fail(`not within ${FOUND_WITHIN} seeds`);
  });
}
