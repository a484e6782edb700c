import assert from "node:assert/strict";
import test from "node:test";
import { BREAKAGES } from "./breakages.js";
import { shippedWith } from "./mutation.js";
import { run } from "./run.js";

/** Every breakage is noticed within this many seeds; most are by one in ten, the rarest by one in a hundred or so, and any change to what the core sends moves which ones. */
const FOUND_WITHIN = 500;

for (const [name, breakage] of Object.entries(BREAKAGES)) {
  test(`the simulator notices ${name}`, async () => {
    const shipped = await shippedWith(breakage.mutations);
    for (let seed = 1; seed <= FOUND_WITHIN; seed++) if ((await run({ seed, breakage, shipped })).violation) return;
    assert.fail(`not within ${FOUND_WITHIN} seeds`);
  });
}

test("a mistake whose place in the core is gone is not taken for one that goes unnoticed", async () => {
  await assert.rejects(shippedWith([{ file: "leader", from: "this stands nowhere", to: "" }]), /has 0 times/);
});
