import assert from "node:assert/strict";
import test from "node:test";
import { AROUND_THE_CORE } from "./breakages.js";
import { FOUND_WITHIN, noticedBy } from "./notice.js";

for (const [name, breakage] of Object.entries(AROUND_THE_CORE)) {
  test(`the simulator notices ${name}`, async () => assert.ok(await noticedBy(breakage), `not within ${FOUND_WITHIN} seeds`));
}
