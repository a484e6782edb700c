import assert from "node:assert/strict";
import test from "node:test";
import { newCounts, run } from "@coffer/raft/simulation";
import type { Counts } from "@coffer/raft/simulation";
import { STORE_BREAKAGES, storeWith } from "./breakages.js";
import { createStoreService } from "./service.js";

const SEEDS = 300;
/** What a seed brings on average, at least: the faults leave room for work, and the work meets the faults. */
const PER_SEED: Counts = { committed: 70, elections: 5, acknowledged: 50, reads: 40, installs: 1, changes: 4, joint: 0.4, transfers: 0.7, damages: 0.3, resumes: 0.2, reapplied: 1 };
/** Most are noticed within ten seeds, the rarest within a hundred. */
const FOUND_WITHIN = 400;

test(`${SEEDS} seeds of faults break no promise of consensus, log, snapshots and store together`, async () => {
  const total = newCounts();
  const names = Object.keys(total) as (keyof Counts)[];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violation, tick, counts } = await run({ seed, service: createStoreService() });
    assert.equal(violation, undefined, `npm run sim -- --seeds 1 --from ${seed} (tick ${tick})`);
    for (const name of names) total[name] += counts[name];
  }
  for (const name of names) assert.ok(total[name] >= PER_SEED[name] * SEEDS, `${name}: ${total[name]} in ${SEEDS} seeds`);
});

test("the same seed gives the same run, bit for bit, and another seed another", async () => {
  for (const seed of [7, 8]) assert.deepEqual(await run({ seed, service: createStoreService() }), await run({ seed, service: createStoreService() }));
  const [one, other] = [await run({ seed: 7, service: createStoreService() }), await run({ seed: 8, service: createStoreService() })];
  assert.notEqual(one.digest, other.digest);
});

for (const [name, mutations] of Object.entries(STORE_BREAKAGES)) {
  test(`the simulation notices ${name}`, async () => {
    const openState = await storeWith(mutations);
    for (let seed = 1; seed <= FOUND_WITHIN; seed++) if ((await run({ seed, breakage: {}, service: createStoreService(openState) })).violation !== undefined) return;
    assert.fail(`not within ${FOUND_WITHIN} seeds`);
  });
}
