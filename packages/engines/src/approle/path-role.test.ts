import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";

async function withApprole() {
  const harness = await createHarness();
  await harness.mount("auth/approle", "approle");
  return harness;
}

test("a role shows what it was given, in the fields of Vault", async () => {
  const { request } = await withApprole();
  const body = { secret_id_ttl: "60m", token_ttl: "15m", token_max_ttl: "60m", secret_id_num_uses: 10, token_policies: "ci-read-policy" };
  assert.equal((await request("POST", "auth/approle/role/CI-pipeline", body)).status, 204);
  const { status, body: answer } = await request("GET", "auth/approle/role/ci-pipeline");
  assert.equal(status, 200);
  assert.deepEqual(answer["data"], {
    bind_secret_id: true, local_secret_ids: false, secret_id_bound_cidrs: null, secret_id_num_uses: 10, secret_id_ttl: 3600, token_bound_cidrs: [], token_explicit_max_ttl: 0, token_max_ttl: 3600,
    token_no_default_policy: false, token_num_uses: 0, token_period: 0, token_policies: ["ci-read-policy"], alias_metadata: {}, token_strictly_bind_ip: false, token_ttl: 900, token_type: "default",
  });
  assert.deepEqual((await request("LIST", "auth/approle/role")).body["data"], { keys: ["ci-pipeline"] });
  assert.match((await request("GET", "auth/approle/role/ci-pipeline/role-id")).body["data"].role_id as string, /^[0-9a-f-]{36}$/);
});

test("a later write changes what it names; a deleted role is gone with its role id", async () => {
  const { request } = await withApprole();
  await request("POST", "auth/approle/role/a", { role_id: "fixed", token_ttl: 60 });
  await request("POST", "auth/approle/role/a", { token_max_ttl: 120 });
  const { token_ttl, token_max_ttl } = (await request("GET", "auth/approle/role/a")).body["data"] as Record<string, unknown>;
  assert.deepEqual([token_ttl, token_max_ttl], [60, 120]);
  assert.deepEqual((await request("POST", "auth/approle/role/b", { role_id: "fixed" })).body.errors, ["role_id already in use"]);
  assert.equal((await request("DELETE", "auth/approle/role/a")).status, 204);
  assert.equal((await request("GET", "auth/approle/role/a")).status, 404);
  assert.equal((await request("POST", "auth/approle/role/b", { role_id: "fixed" })).status, 204);
  assert.equal((await request("DELETE", "auth/approle/role/none")).status, 204);
});

test("what contradicts itself or is none of a field's values is refused, and nothing is written", async () => {
  const { request, store } = await withApprole();
  const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ bind_secret_id: false }, /at least one constraint should be enabled on the role/],
    [{ secret_id_bound_cidrs: "10.0.0.0/99" }, /failed to validate CIDR blocks/],
    [{ secret_id_num_uses: -1 }, /secret_id_num_uses cannot be negative/],
    [{ secret_id_ttl: -1 }, /cannot provide negative value/],
    [{ role_id: "" }, /invalid role_id supplied/],
    [{ role_id: "x".repeat(5000) }, /longer than maximum/],
    [{ role_id: ["a"] }, /expected a string/],
    [{ bind_secret_id: "perhaps" }, /cannot parse "perhaps" as bool/],
    [{ token_type: "root" }, /invalid 'token_type'/],
    [{ period: "2000h" }, /period of "2000h" is greater than the backend's maximum lease TTL of "768h"/],
    [{ token_ttl: 2, token_max_ttl: 1 }, /cannot be greater/],
  ];
  const before = store.index();
  for (const [body, message] of refused) {
    const { status, body: answer } = await request("POST", "auth/approle/role/r", body);
    assert.equal(status, 400, JSON.stringify(body));
    assert.match(answer.errors![0]!, message);
  }
  assert.equal((await request("POST", "auth/approle/role/-r", {})).status, 400);
  assert.equal(store.index(), before);
});

test("each field of a role has a path of its own", async () => {
  const { request } = await withApprole();
  await request("POST", "auth/approle/role/r", {});
  const rows: readonly (readonly [string, Record<string, unknown>, Record<string, unknown>, Record<string, unknown>])[] = [
    ["policies", { token_policies: "b,a" }, { token_policies: ["b", "a"] }, { token_policies: [] }],
    ["policies", { policies: "b,a" }, { token_policies: ["a", "b"], policies: ["a", "b"] }, { token_policies: [] }],
    ["secret-id-bound-cidrs", { secret_id_bound_cidrs: ["10.0.0.0/8"] }, { secret_id_bound_cidrs: ["10.0.0.0/8"] }, { secret_id_bound_cidrs: null }],
    ["bound-cidr-list", { bound_cidr_list: ["10.0.0.0/8"] }, { bound_cidr_list: ["10.0.0.0/8"] }, { bound_cidr_list: null }],
    ["token-bound-cidrs", { token_bound_cidrs: "10.0.0.0/8" }, { token_bound_cidrs: ["10.0.0.0/8"] }, { token_bound_cidrs: [] }],
    ["secret-id-num-uses", { secret_id_num_uses: 3 }, { secret_id_num_uses: 3 }, { secret_id_num_uses: 0 }],
    ["secret-id-ttl", { secret_id_ttl: "1h" }, { secret_id_ttl: 3600 }, { secret_id_ttl: 0 }],
    ["period", { period: "1h" }, { token_period: 3600, period: 3600 }, { token_period: 0 }],
    ["period", { token_period: "1h" }, { token_period: 3600 }, { token_period: 0 }],
    ["token-num-uses", { token_num_uses: 3 }, { token_num_uses: 3 }, { token_num_uses: 0 }],
    ["token-ttl", { token_ttl: "1h" }, { token_ttl: 3600 }, { token_ttl: 0 }],
    ["token-max-ttl", { token_max_ttl: "1h" }, { token_max_ttl: 3600 }, { token_max_ttl: 0 }],
  ];
  for (const [path, body, shown, reset] of rows) {
    const full = `auth/approle/role/r/${path}`;
    assert.equal((await request("POST", full, body)).status, 204, path);
    assert.deepEqual((await request("GET", full)).body["data"], shown, path);
    assert.match((await request("POST", full, {})).body.errors![0]!, /^missing /);
    assert.equal((await request("DELETE", full)).status, 204, path);
    assert.deepEqual((await request("GET", full)).body["data"], reset, path);
    const elsewhere = full.replace("/r/", "/none/");
    assert.deepEqual([(await request("GET", elsewhere)).status, (await request("POST", elsewhere, body)).status, (await request("DELETE", elsewhere)).status], [404, 404, 204]);
  }
  await request("POST", "auth/approle/role/r/token-bound-cidrs", { token_bound_cidrs: "127.0.0.1" });
  await request("POST", "auth/approle/role/r/bind-secret-id", { bind_secret_id: false });
  assert.deepEqual((await request("GET", "auth/approle/role/r/bind-secret-id")).body["data"], { bind_secret_id: false });
  assert.match((await request("DELETE", "auth/approle/role/r/token-bound-cidrs")).body.errors![0]!, /at least one constraint/);
  await request("DELETE", "auth/approle/role/r/bind-secret-id");
  assert.deepEqual((await request("GET", "auth/approle/role/r/bind-secret-id")).body["data"], { bind_secret_id: true });
});

test("the role id can be chosen later; whether secret ids are local cannot", async () => {
  const { request } = await withApprole();
  await request("POST", "auth/approle/role/r", { local_secret_ids: true });
  assert.deepEqual((await request("GET", "auth/approle/role/r/local-secret-ids")).body["data"], { local_secret_ids: true });
  assert.deepEqual((await request("POST", "auth/approle/role/r", { local_secret_ids: false })).body.errors, ["local_secret_ids can only be modified during role creation"]);
  assert.equal((await request("POST", "auth/approle/role/r/role-id", { role_id: "mine" })).status, 204);
  assert.deepEqual((await request("GET", "auth/approle/role/r/role-id")).body["data"], { role_id: "mine" });
  assert.equal((await request("DELETE", "auth/approle/role/r/role-id")).status, 405);
});

test("a new role needs the create capability, a change the update capability", async () => {
  const { request, tokenWith } = await withApprole();
  const token = await tokenWith('path "auth/approle/role/*" { capabilities = ["create"] }');
  assert.equal((await request("POST", "auth/approle/role/r", {}, { token })).status, 204);
  assert.equal((await request("POST", "auth/approle/role/r", {}, { token })).status, 403);
});
