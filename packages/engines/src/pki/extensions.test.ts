import assert from "node:assert/strict";
import { test } from "node:test";
import { keyUsageBits } from "./extensions.js";

test("key usages that there are not are ignored, even those that every object has a member for", () => {
  assert.deepEqual(keyUsageBits(["CertSign", "constructor", "__proto__", "nope", " crlsign "]), [5, 6]);
});
