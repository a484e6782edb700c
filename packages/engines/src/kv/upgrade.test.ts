import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";

async function tuned(count: number) {
  const harness = await createHarness();
  await harness.mount("secret", "kv");
  for (let i = 0; i < count; i++) await harness.request("POST", `secret/dir/${i}`, { i });
  await harness.request("POST", "secret/config", { named: "as a path of version 2" });
  assert.equal((await harness.request("POST", "sys/mounts/secret/tune", { options: { version: "2" } })).status, 204);
  return harness;
}

test("a mount tuned to version 2 keeps its secrets, each as a first version", async () => {
  const { request, doDueWork } = await tuned(150);
  await doDueWork();
  for (const i of [0, 77, 149]) assert.deepEqual((await request("GET", `secret/data/dir/${i}`)).body["data"].data, { i });
  assert.deepEqual((await request("GET", "secret/data/config")).body["data"].data, { named: "as a path of version 2" });
  assert.equal((await request("LIST", "secret/metadata/dir/")).body["data"].keys.length, 150);
  assert.equal((await request("POST", "secret/data/dir/0", { data: { i: "new" } })).body["data"].version, 2);
  assert.deepEqual((await request("GET", "secret/config")).body["data"].max_versions, 0);
});

test("until its secrets have come over, a mount refuses rather than misses them", async () => {
  const { request, doDueWork } = await tuned(1);
  const refused = /^Upgrading from non-versioned to versioned data/;
  for (const [method, path] of [["GET", "secret/data/dir/0"], ["LIST", "secret/metadata/"], ["POST", "secret/data/dir/0"], ["DELETE", "secret/metadata/dir/0"]] as const) {
    const { status, body } = await request(method, path, method === "POST" ? { data: {} } : undefined);
    assert.equal(status, 400);
    assert.match(body.errors![0]!, refused);
  }
  await doDueWork();
  assert.equal((await request("GET", "secret/data/dir/0")).status, 200);
});

test("nothing of version 1 is left behind", async () => {
  const { doDueWork, store } = await tuned(2);
  await doDueWork();
  const { value: keys } = await store.evaluate((tx) => tx.keys("logical/"));
  assert.deepEqual(keys.filter((key) => key.includes("unversioned")), []);
});
