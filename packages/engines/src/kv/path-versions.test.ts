import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";

async function threeVersions() {
  const harness = await createHarness();
  await harness.mount("secret", "kv", { version: "2" });
  for (const v of [1, 2, 3]) await harness.request("POST", "secret/data/a", { data: { v } });
  const readable = async () => {
    const answers = await Promise.all(["1", "2", "3"].map((version) => harness.request("GET", "secret/data/a", undefined, { query: { version } })));
    return answers.filter(({ status }) => status === 200).map(({ body }) => body["data"].data.v as number);
  };
  return { ...harness, readable };
}

test("versions are deleted and brought back by number, given in any way", async () => {
  const { request, readable } = await threeVersions();
  assert.equal((await request("POST", "secret/delete/a", { versions: [1, 99] })).status, 204);
  assert.deepEqual(await readable(), [2, 3]);
  await request("PUT", "secret/delete/a", { versions: "2, 3" });
  assert.deepEqual(await readable(), []);
  await request("POST", "secret/undelete/a", { versions: ["1", "2"] });
  assert.deepEqual(await readable(), [1, 2]);
  await request("POST", "secret/undelete/a", { versions: 3 });
  assert.deepEqual(await readable(), [1, 2, 3]);
});

test("a destroyed version is gone for good, its data too", async () => {
  const { request, readable, store } = await threeVersions();
  assert.equal((await request("PUT", "secret/destroy/a", { versions: [2] })).status, 204);
  await request("POST", "secret/undelete/a", { versions: [2] });
  assert.deepEqual(await readable(), [1, 3]);
  const destroyed = await request("GET", "secret/data/a", undefined, { query: { version: "2" } });
  assert.deepEqual([destroyed.status, destroyed.body["data"].data, destroyed.body["data"].metadata.destroyed], [404, null, true]);
  const { value: keys } = await store.evaluate((tx) => tx.keys("logical/"));
  assert.deepEqual(keys.map((key) => key.slice(key.indexOf("/") + 1)), ["metadata/a", "versions/a/1", "versions/a/3"]);
});

test("version numbers are demanded, and a secret that never was is no error", async () => {
  const { request } = await threeVersions();
  for (const verb of ["delete", "undelete", "destroy"]) {
    assert.deepEqual((await request("POST", `secret/${verb}/a`, {})).body.errors, ["No version number provided"]);
    assert.equal((await request("POST", `secret/${verb}/a`, { versions: ["x"] })).status, 400);
    assert.equal((await request("POST", `secret/${verb}/none`, { versions: [1] })).status, 204);
  }
});

test("a version that ended by itself and was brought back ends again", async () => {
  const { request, clock, readable } = await threeVersions();
  await request("POST", "secret/metadata/a", { delete_version_after: "1m" });
  await request("POST", "secret/delete/a", { versions: [1, 2] });
  await request("POST", "secret/undelete/a", { versions: [1] });
  assert.deepEqual(await readable(), [1, 3]);
  clock.advance(60);
  assert.deepEqual(await readable(), [3]);
});
