import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";

async function withSecret() {
  const harness = await createHarness();
  await harness.mount("secret", "kv", { version: "2" });
  await harness.request("POST", "secret/data/a", { data: { old: "value" } });
  await harness.request("POST", "secret/data/a", { data: { map: { inner: { deep: "value" }, empty: {} }, list: [{ x: "value" }], text: "value", none: null } });
  const subkeys = async (query: Record<string, string> = {}) => (await harness.request("GET", "secret/subkeys/a", undefined, { query })).body["data"]?.subkeys as unknown;
  return { ...harness, subkeys };
}

test("the keys of a secret are shown without any value", async () => {
  const { request, subkeys } = await withSecret();
  assert.deepEqual(await subkeys(), { map: { inner: { deep: null }, empty: null }, list: null, text: null, none: null });
  assert.deepEqual(await subkeys({ version: "1" }), { old: null });
  const { body, text } = await request("GET", "secret/subkeys/a");
  assert.equal(body["data"].metadata.version, 2);
  assert.ok(!text.includes("value"));
});

test("depth limits the levels shown", async () => {
  const { request, subkeys } = await withSecret();
  assert.deepEqual(await subkeys({ depth: "1" }), { map: null, list: null, text: null, none: null });
  assert.deepEqual(await subkeys({ depth: "2" }), { map: { inner: null, empty: null }, list: null, text: null, none: null });
  assert.deepEqual(await subkeys({ depth: "0" }), await subkeys({ depth: "9" }));
  assert.equal((await request("GET", "secret/subkeys/a", undefined, { query: { depth: "-1" } })).status, 400);
});

test("of a version that is gone only the metadata is shown", async () => {
  const { request } = await withSecret();
  await request("DELETE", "secret/data/a");
  const { status, body } = await request("GET", "secret/subkeys/a");
  assert.deepEqual([status, body["data"].subkeys, body["data"].metadata.version], [404, null, 2]);
  assert.equal((await request("GET", "secret/subkeys/a", undefined, { query: { version: "3" } })).body["data"], undefined);
  assert.equal((await request("GET", "secret/subkeys/none")).status, 404);
});
