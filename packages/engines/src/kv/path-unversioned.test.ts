import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";

async function unversioned() {
  const harness = await createHarness();
  await harness.mount("secret", "kv", { version: "1" });
  return harness;
}

test("what is written is read, with the mount's lease duration and no lease", async () => {
  const { request } = await unversioned();
  assert.deepEqual(await request("POST", "secret/a/b", { user: "x", nested: { list: [1, null] } }), { status: 204, body: {}, text: "" });
  const { status, body } = await request("GET", "secret/a/b");
  assert.equal(status, 200);
  assert.deepEqual(body["data"], { user: "x", nested: { list: [1, null] } });
  assert.deepEqual([body["lease_id"], body["renewable"], body["lease_duration"], body["mount_type"]], ["", false, 2_764_800, "kv"]);
});

test("a write replaces the whole secret, and a delete is final", async () => {
  const { request } = await unversioned();
  await request("POST", "secret/a", { one: 1 });
  await request("PUT", "secret/a", { two: 2 });
  assert.deepEqual((await request("GET", "secret/a")).body["data"], { two: 2 });
  assert.equal((await request("DELETE", "secret/a")).status, 204);
  assert.deepEqual(await request("GET", "secret/a").then(({ status, body }) => ({ status, body })), { status: 404, body: { errors: [] } });
  assert.equal((await request("DELETE", "secret/a")).status, 204);
});

test("a secret's own ttl is what readers are told", async () => {
  const { request } = await unversioned();
  const told = async (secret: Record<string, unknown>) => {
    await request("POST", "secret/a", secret);
    return (await request("GET", "secret/a")).body["lease_duration"] as number;
  };
  assert.equal(await told({ ttl: "1h" }), 3600);
  assert.equal(await told({ ttl: 90 }), 90);
  assert.equal(await told({ lease: "5m" }), 300);
  assert.equal(await told({ ttl: "10s", lease: "5m" }), 10);
  assert.equal(await told({ ttl: "soon" }), 2_764_800);
  assert.equal(await told({ ttl: { not: "a duration" } }), 2_764_800);
});

test("an empty write is refused", async () => {
  const { request } = await unversioned();
  assert.deepEqual((await request("POST", "secret/a", {})).body.errors, ["missing data fields"]);
  assert.equal((await request("POST", "secret/a", {})).status, 400);
});

test("a list shows one level, a scan all of them, with or without a trailing slash", async () => {
  const { request } = await unversioned();
  for (const path of ["secret/b", "secret/a/x", "secret/a/y/z", "secret/a"]) await request("POST", path, { v: 1 });
  const keys = async (method: "LIST" | "SCAN", path: string) => (await request(method, path)).body["data"]?.keys as string[] | undefined;
  assert.deepEqual(await keys("LIST", "secret"), ["a", "a/", "b"]);
  assert.deepEqual(await keys("LIST", "secret/"), ["a", "a/", "b"]);
  assert.deepEqual(await keys("LIST", "secret/a"), ["x", "y/"]);
  assert.deepEqual(await keys("LIST", "secret/a/"), ["x", "y/"]);
  assert.deepEqual(await keys("SCAN", "secret/"), ["a", "a/x", "a/y/z", "b"]);
  assert.deepEqual(await keys("SCAN", "secret/a/"), ["x", "y/z"]);
  assert.equal((await request("LIST", "secret/b/")).status, 404);
});

test("create and update are told apart by whether the secret exists", async () => {
  const { request, tokenWith } = await unversioned();
  const creator = await tokenWith('path "secret/*" { capabilities = ["create"] }');
  assert.equal((await request("POST", "secret/new", { v: 1 }, { token: creator })).status, 204);
  assert.equal((await request("POST", "secret/new", { v: 2 }, { token: creator })).status, 403);
  const updater = await tokenWith('path "secret/*" { capabilities = ["update"] }');
  assert.equal((await request("POST", "secret/new", { v: 3 }, { token: updater })).status, 204);
  assert.equal((await request("POST", "secret/other", { v: 3 }, { token: updater })).status, 403);
});

test("a list of secrets does not show that the mount has content of its own", async () => {
  const { request } = await unversioned();
  assert.equal((await request("LIST", "secret/")).status, 404);
  await request("POST", "secret/unversioned", { v: 1 });
  await request("POST", "secret/config", { v: 1 });
  assert.deepEqual((await request("LIST", "secret/")).body["data"], { keys: ["config", "unversioned"] });
});

test("there are two versions of kv, and a third is refused", async () => {
  const { request } = await createHarness();
  const refused = await request("POST", "sys/mounts/new", { type: "kv", options: { version: "3" } });
  assert.equal(refused.status, 400);
  assert.equal((await request("GET", "sys/mounts/new")).status, 400, "nothing was mounted");
});
