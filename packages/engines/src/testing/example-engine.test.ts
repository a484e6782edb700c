import assert from "node:assert/strict";
import { test } from "node:test";
import { example } from "./example-engine.js";
import { createHarness } from "./harness.js";

test("a note is read as it was written, by those who may", async () => {
  const { request, mount, tokenWith } = await createHarness({ engines: [example] });
  await mount("office", "example");
  assert.equal((await request("GET", "office/notes/today")).status, 404);
  assert.equal((await request("POST", "office/notes/today", { text: "buy milk" })).status, 204);
  const token = await tokenWith('path "office/notes/*" { capabilities = ["read"] }');
  assert.deepEqual((await request("GET", "office/notes/today", undefined, { token })).body["data"], { text: "buy milk" });
  assert.equal((await request("POST", "office/notes/today", { text: "no" }, { token })).status, 403);
});
