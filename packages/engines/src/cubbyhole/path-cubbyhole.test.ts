import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";

async function twoTokens() {
  const harness = await createHarness();
  const create = async () => (await harness.request("POST", "auth/token/create", { policies: ["default"], ttl: "1h" })).body["auth"].client_token as string;
  return { ...harness, one: await create(), other: await create() };
}

test("each token sees what it wrote itself, and nothing else", async () => {
  const { request, one, other } = await twoTokens();
  for (const [token, v] of [[one, 1], [other, 2]] as const) assert.equal((await request("POST", "cubbyhole/a/b", { v }, { token })).status, 204);
  assert.deepEqual((await request("GET", "cubbyhole/a/b", undefined, { token: one })).body["data"], { v: 1 });
  assert.deepEqual((await request("GET", "cubbyhole/a/b", undefined, { token: other })).body["data"], { v: 2 });
  assert.equal((await request("GET", "cubbyhole/a/b")).status, 404);
  assert.equal((await request("LIST", "cubbyhole/")).status, 404);
  assert.equal((await request("GET", "cubbyhole/a/b", undefined, { token: "" })).status, 403);
});

test("secrets are replaced, listed and deleted", async () => {
  const { request, one: token } = await twoTokens();
  await request("POST", "cubbyhole/a", { v: 1 }, { token });
  await request("POST", "cubbyhole/a", '{"v":12345678901234567890}', { token });
  await request("POST", "cubbyhole/d/e", { v: 3 }, { token });
  assert.ok((await request("GET", "cubbyhole/a", undefined, { token })).text.includes('"data":{"v":12345678901234567890}'));
  for (const path of ["cubbyhole", "cubbyhole/"]) assert.deepEqual((await request("LIST", path, undefined, { token })).body["data"].keys, ["a", "d/"]);
  for (const path of ["cubbyhole/d", "cubbyhole/d/"]) assert.deepEqual((await request("LIST", path, undefined, { token })).body["data"].keys, ["e"]);
  assert.equal((await request("DELETE", "cubbyhole/a", undefined, { token })).status, 204);
  assert.equal((await request("DELETE", "cubbyhole/a", undefined, { token })).status, 204);
  assert.equal((await request("GET", "cubbyhole/a", undefined, { token })).status, 404);
  assert.deepEqual((await request("POST", "cubbyhole/a", {}, { token })).body.errors, ["missing data fields"]);
});

for (const [how, end] of [
  ["revoked", ({ request, one }) => request("POST", "auth/token/revoke", { token: one })],
  ["expired", async ({ clock }) => clock.advance(3600)],
] as const satisfies readonly (readonly [string, (service: Awaited<ReturnType<typeof twoTokens>>) => Promise<unknown>])[]) {
  test(`a cubbyhole goes with its token once that is ${how}`, async () => {
    const service = await twoTokens();
    const { request, store, one, other, doDueWork } = service;
    for (const token of [one, other]) for (const path of ["a", "b/c"]) await request("POST", `cubbyhole/${path}`, { v: 1 }, { token });
    const kept = async () => (await store.evaluate((tx) => tx.keys("logical/"))).value.length;
    assert.equal(await kept(), 4);
    if (how === "expired") await request("POST", "auth/token/renew", { token: other, increment: "2h" });
    await end(service);
    await doDueWork();
    assert.equal(await kept(), 2);
    assert.equal((await request("GET", "cubbyhole/a", undefined, { token: other })).status, 200);
  });
}

test("a policy tells a first write to a cubbyhole from a later one", async () => {
  const { request } = await createHarness();
  await request("PUT", "sys/policies/acl/once", { policy: 'path "cubbyhole/*" { capabilities = ["create", "read"] }' });
  const token = (await request("POST", "auth/token/create", { policies: ["once"], no_default_policy: true, ttl: "1h" })).body["auth"].client_token as string;
  assert.equal((await request("POST", "cubbyhole/a", { v: 1 }, { token })).status, 204);
  assert.equal((await request("POST", "cubbyhole/a", { v: 2 }, { token })).status, 403);
  assert.deepEqual((await request("GET", "cubbyhole/a", undefined, { token })).body["data"], { v: 1 });
});

test("the older way to unwrap reads cubbyhole/response, once", async () => {
  const { request, one } = await twoTokens();
  await request("POST", "cubbyhole/a", { b: 1 }, { token: one });
  const wrapped = async () => (await request("GET", "cubbyhole/a", undefined, { token: one, headers: { "x-vault-wrap-ttl": "60s" } })).body["wrap_info"].token as string;
  const token = await wrapped();
  const { status, body } = await request("GET", "cubbyhole/response", undefined, { token });
  assert.deepEqual([status, JSON.parse(body["data"].response as string).data, body.warnings!.length], [200, { b: 1 }, 1]);
  assert.equal((await request("GET", "cubbyhole/response", undefined, { token })).status, 403);
  assert.equal((await request("POST", "sys/wrapping/unwrap", { token })).status, 400);
  const unread = await wrapped();
  assert.equal((await request("POST", "cubbyhole/response", { v: 1 }, { token: unread })).status, 204);
  assert.equal((await request("GET", "cubbyhole/response", undefined, { token: one })).status, 404);
});
