import assert from "node:assert/strict";
import test from "node:test";
import { AROUND_THE_CORE, BREAKAGES } from "./breakages.js";
import { shippedWith } from "./mutation.js";
import { assertNoticed } from "./notice.js";

for (const name of Object.keys(BREAKAGES).filter((one) => !(one in AROUND_THE_CORE))) test(`the simulator notices ${name}`, (t) => assertNoticed(t, name));

test("a mistake whose place in the core is gone is not taken for one that goes unnoticed", async () => {
  await assert.rejects(shippedWith([{ file: "leader", from: "this stands nowhere", to: "" }]), /has 0 times/);
});
