import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";
import { storedBesideFailures } from "../testing/stored.js";

/** Forged, replayed, truncated, oversized and type-confused tokens: nobody's, and nothing is written. */
async function service() {
  const harness = await createHarness();
  const { request, store } = harness;
  const { client_token: token, accessor } = (await request("POST", "auth/token/create", { policies: ["default"], ttl: "1h" })).body["auth"] as { client_token: string; accessor: string };
  const stored = (await store.evaluate((tx) => tx.keys("core/token/"))).value.map((key) => key.split("/").at(-1)!);
  return { ...harness, token, accessor, stored };
}

test("what is no token, or was one, is nobody's", async () => {
  const { request, store, token, accessor, stored, rootToken } = await service();
  const spent = (await request("POST", "auth/token/create", { policies: ["default"], num_uses: 1 })).body["auth"].client_token as string;
  assert.equal((await request("GET", "auth/token/lookup-self", undefined, { token: spent })).status, 200);
  const revoked = (await request("POST", "auth/token/create", { policies: ["default"] })).body["auth"].client_token as string;
  await request("POST", "auth/token/revoke", { token: revoked });
  const flipped = token.slice(0, -1) + (token.endsWith("A") ? "B" : "A");
  const attempts = [
    flipped, token.slice(0, -1), `${token}A`, token.replace("hvs.", ""), token.replace("hvs.", "hvb."), token.toUpperCase(), `${token}\0`, `${token},${rootToken}`,
    accessor, ...stored, spent, revoked, "hvs.", "hvs", "s.", "../../root", "*", "__proto__", "é", "x".repeat(100_000),
  ];
  const before = await storedBesideFailures(store);
  for (const attempt of attempts) {
    for (const [method, path] of [["GET", "auth/token/lookup-self"], ["POST", "auth/token/create"], ["POST", "auth/token/renew-self"], ["POST", "auth/token/revoke-self"]] as const) {
      const { status, text } = await request(method, path, method === "POST" ? {} : undefined, { token: attempt });
      assert.equal(status, 403, `${path}: ${attempt.slice(0, 60)}`);
      assert.ok(!text.includes(token) && !text.includes(rootToken));
    }
  }
  assert.deepEqual(await storedBesideFailures(store), before);
  assert.equal((await request("GET", "auth/token/lookup-self", undefined, { token })).status, 200);
});

test("fields of other types and sizes are refused, whoever asks", async () => {
  const { request, store, token, accessor } = await service();
  const before = await storedBesideFailures(store);
  const refused = async (path: string, body: Readonly<Record<string, unknown>>) => {
    const { status, body: answer } = await request("POST", `auth/token/${path}`, body);
    assert.ok(status === 400 || status === 403, `${path} ${JSON.stringify(body).slice(0, 60)}: ${status}`);
    assert.ok((answer.errors?.length ?? 0) > 0);
  };
  for (const value of [[token], { token }, "", "x".repeat(100_000), 7, true, null]) {
    for (const path of ["renew", "revoke-orphan"]) await refused(path, { token: value });
    for (const path of ["lookup-accessor", "renew-accessor"]) await refused(path, { accessor: value });
  }
  for (const value of [[token], { token }]) for (const path of ["lookup", "revoke"]) await refused(path, { token: value });
  await refused("revoke-accessor", { accessor: [accessor] });
  for (const body of [{ policies: { a: 1 } }, { ttl: {} }, { ttl: "soon" }, { num_uses: "many" }, { num_uses: -1 }, { meta: "x" }, { meta: { a: { b: 1 } } }, { type: "root" }, { period: [] }, { display_name: {} }, { id: "hvs.x" }, { id: "a.b" }, { id: ["x"] }, { entity_alias: "nobody" }]) await refused("create", body);
  assert.deepEqual(await storedBesideFailures(store), before);
});
