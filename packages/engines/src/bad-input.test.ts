import assert from "node:assert/strict";
import { test } from "node:test";
import { systemEngine } from "@coffer/state-machine";
import type { Engine } from "@coffer/state-machine";
import { allEngines } from "./registry.js";
import { prepared, seeded, sweep } from "./testing/bad-input/sweep.js";

/** `COFFER_BAD_INPUT_SEED` replays a run; `COFFER_BAD_INPUT_VALUES=100` gives every field every bad value, which takes minutes. */
const seed = Number(process.env["COFFER_BAD_INPUT_SEED"] ?? 1);
const perField = Number(process.env["COFFER_BAD_INPUT_VALUES"] ?? 2);

for (const engine of [...allEngines(), systemEngine as unknown as Engine]) {
  test(`bad input for ${engine.table}/${engine.type}: refused, without a word of our insides and without a change`, async (t) => {
    const { findings, trials } = await sweep({ ...(await prepared(engine)), random: seeded(seed), perField });
    t.diagnostic(`${trials} requests, seed ${seed}`);
    assert.deepEqual(findings.slice(0, 20), [], `${findings.length} findings`);
  });
}
