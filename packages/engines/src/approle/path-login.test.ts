import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mount } from "@coffer/state-machine";
import { approle } from "./engine.js";
import { createHarness } from "../testing/harness.js";
import { storedBesideFailures } from "../testing/stored.js";

async function withRole(role: Readonly<Record<string, unknown>> = {}) {
  const harness = await createHarness();
  const { request } = harness;
  await harness.mount("auth/approle", "approle");
  await request("POST", "auth/approle/role/r", { role_id: "rid", ...role });
  const issue = async (body: Readonly<Record<string, unknown>> = {}) => {
    const { status, body: answer } = await request("POST", "auth/approle/role/r/secret-id", body);
    assert.equal(status, 200, JSON.stringify(answer));
    return answer["data"] as { secret_id: string; secret_id_accessor: string; secret_id_num_uses: number; secret_id_ttl: number };
  };
  const login = (secret_id: unknown, remoteAddress?: string) => request("POST", "auth/approle/login", { role_id: "rid", secret_id }, { token: "", ...(remoteAddress !== undefined && { remoteAddress }) });
  return { ...harness, issue, login };
}

test("a login gives a token as the role says", async () => {
  const { request, issue, login } = await withRole({ secret_id_ttl: "60m", token_ttl: "15m", token_max_ttl: "60m", secret_id_num_uses: 10, token_policies: "ci-read-policy" });
  const secret = await issue({ metadata: '{"team":"ci"}' });
  assert.deepEqual(Object.keys(secret).sort(), ["secret_id", "secret_id_accessor", "secret_id_num_uses", "secret_id_ttl"]);
  assert.deepEqual([secret.secret_id_ttl, secret.secret_id_num_uses], [3600, 10]);
  const { status, body } = await login(` ${secret.secret_id} `);
  assert.equal(status, 200);
  const { auth } = body;
  assert.deepEqual([auth.policies, auth.lease_duration, auth.renewable, auth.metadata], [["ci-read-policy", "default"], 900, true, { role_name: "r", team: "ci" }]);
  const token = auth.client_token as string;
  const self = (await request("GET", "auth/token/lookup-self", undefined, { token })).body["data"] as Record<string, unknown>;
  assert.deepEqual([self["display_name"], self["path"], self["orphan"], self["meta"]], ["approle", "auth/approle/login", true, { role_name: "r", team: "ci" }]);
  assert.equal((await request("POST", "auth/token/renew-self", {}, { token })).status, 200);
});

test("a secret id is good for as many logins as it was made for, and not one more", async () => {
  const { request, issue, login } = await withRole();
  const { secret_id, secret_id_accessor } = await issue({ num_uses: 2 });
  assert.equal((await login(secret_id)).status, 200);
  assert.equal((await request("POST", "auth/approle/role/r/secret-id/lookup", { secret_id })).body["data"].secret_id_num_uses, 1);
  assert.equal((await login(secret_id)).status, 200);
  const third = await login(secret_id);
  assert.deepEqual([third.status, third.body.errors], [400, ["invalid role or secret ID"]]);
  assert.equal((await request("POST", "auth/approle/role/r/secret-id-accessor/lookup", { secret_id_accessor })).status, 404);
});

test("a login is one entry: token, lease, entity, alias and the use of the secret id come together, or not at all", async () => {
  const { issue, login, store } = await withRole();
  const { secret_id } = await issue({ num_uses: 2 });
  const keys = async () => new Set((await store.evaluate((tx) => tx.keys(""))).value);
  const [before, index] = [await keys(), store.index()];
  assert.equal((await login(secret_id)).status, 200);
  assert.equal(store.index(), index + 1);
  const made = [...(await keys())].filter((key) => !before.has(key)).map((key) => /^core\/((?:identity\/[^/]+|[^/]+))\//.exec(key)![1]!);
  assert.deepEqual([...new Set(made)].sort(), ["expire", "identity/alias", "identity/alias-factor", "identity/entity", "identity/entity-name", "lease", "token"]);
  const after = await keys();
  assert.equal((await login("wrong")).status, 400);
  assert.deepEqual([...(await keys())].filter((key) => !after.has(key) && !/^core\/(lockout|expire\/\d+\/lockout)\//.test(key)), []);
});

test("of two logins at once by a secret id for one, one gets in", async () => {
  const { issue, login } = await withRole();
  const { secret_id } = await issue({ num_uses: 1 });
  const statuses = (await Promise.all([login(secret_id), login(secret_id), login(secret_id)])).map(({ status }) => status);
  assert.deepEqual(statuses.sort(), [200, 400, 400]);
});

test("a secret id ends with its time, and leaves nothing behind", async () => {
  const { request, issue, login, clock, doDueWork, store } = await withRole({ secret_id_ttl: 60 });
  const { secret_id } = await issue();
  const keys = () => store.evaluate((tx) => tx.keys("logical/"));
  clock.advance(59);
  assert.equal((await login(secret_id)).status, 200);
  clock.advance(2);
  assert.deepEqual((await login(secret_id)).body.errors, ["invalid role or secret ID"]);
  assert.equal((await request("POST", "auth/approle/role/r/secret-id/lookup", { secret_id })).status, 204);
  await doDueWork();
  const left = (await keys()).value;
  assert.deepEqual(left.filter((key) => /\/(secret|accessor|due)\//.test(key)), []);
});

test("secret ids are listed by accessor, looked up and destroyed by either, and belong to one role", async () => {
  const { request, issue, login } = await withRole();
  const [one, two] = [await issue(), await issue({ ttl: "1h", cidr_list: ["127.0.0.0/8"], token_bound_cidrs: "10.0.0.0/8" })];
  await request("POST", "auth/approle/role/other", {});
  assert.deepEqual((await request("LIST", "auth/approle/role/r/secret-id")).body["data"].keys, [one.secret_id_accessor, two.secret_id_accessor].sort());
  assert.equal((await request("LIST", "auth/approle/role/other/secret-id")).status, 404);
  const { data } = (await request("POST", "auth/approle/role/r/secret-id/lookup", { secret_id: two.secret_id })).body;
  assert.deepEqual(Object.keys(data as object).sort(), ["cidr_list", "creation_time", "expiration_time", "last_updated_time", "metadata", "secret_id_accessor", "secret_id_num_uses", "secret_id_ttl", "token_bound_cidrs"]);
  assert.deepEqual([data.cidr_list, data.token_bound_cidrs, data.secret_id_ttl, data.metadata], [["127.0.0.0/8"], ["10.0.0.0/8"], 3600, {}]);
  const byAccessor = { secret_id_accessor: two.secret_id_accessor };
  assert.deepEqual((await request("POST", "auth/approle/role/r/secret-id-accessor/lookup", byAccessor)).body["data"], data);
  assert.equal((await request("POST", "auth/approle/role/other/secret-id-accessor/lookup", byAccessor)).status, 404);
  assert.equal((await request("POST", "auth/approle/role/other/secret-id-accessor/destroy", byAccessor)).status, 404);
  assert.equal((await request("POST", "auth/approle/role/other/secret-id/destroy", { secret_id: two.secret_id })).status, 204);
  assert.equal((await login(two.secret_id)).status, 200);
  assert.equal((await request("POST", "auth/approle/role/r/secret-id-accessor/destroy", byAccessor)).status, 204);
  assert.equal((await request("PUT", "auth/approle/role/r/secret-id/destroy", { secret_id: one.secret_id })).status, 204);
  for (const { secret_id } of [one, two]) assert.equal((await login(secret_id)).status, 400);
});

test("a secret id asks for no more than its role gives", async () => {
  const { request } = await withRole({ secret_id_num_uses: 5, secret_id_ttl: 60, secret_id_bound_cidrs: ["10.0.0.0/8", "127.0.0.1"], token_bound_cidrs: ["10.0.0.0/8"] });
  const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ num_uses: 6 }, /num_uses cannot be higher than the role's secret_id_num_uses/],
    [{ num_uses: 0 }, /num_uses cannot be higher/],
    [{ num_uses: -1 }, /num_uses cannot be negative/],
    [{ ttl: "2m" }, /ttl cannot be longer than the role's secret_id_ttl/],
    [{ ttl: 0 }, /ttl cannot be longer/],
    [{ cidr_list: "11.0.0.0/8" }, /failed to verify subset relationship/],
    [{ cidr_list: "10.0.0.0/7" }, /failed to verify subset relationship/],
    [{ cidr_list: "nowhere" }, /failed to validate CIDR blocks/],
    [{ token_bound_cidrs: "192.168.0.0/16" }, /failed to verify subset relationship/],
    [{ metadata: "no pairs" }, /metadata/],
  ];
  for (const [body, message] of refused) {
    const { status, body: answer } = await request("POST", "auth/approle/role/r/secret-id", body);
    assert.equal(status, 400, JSON.stringify(body));
    assert.match(answer.errors![0]!, message);
  }
  assert.equal((await request("POST", "auth/approle/role/r/secret-id", { cidr_list: "10.1.0.0/16,127.0.0.1/32", ttl: 30, num_uses: 5 })).status, 200);
  assert.equal((await request("POST", "auth/approle/role/none/secret-id", {})).status, 404);
});

test("a secret id of one's own choice works, once", async () => {
  const { request, login } = await withRole();
  const add = (body: Record<string, unknown>) => request("POST", "auth/approle/role/r/custom-secret-id", body);
  assert.equal((await add({ secret_id: "chosen" })).body["data"].secret_id, "chosen");
  assert.match((await add({ secret_id: "chosen" })).body.errors![0]!, /already registered/);
  assert.deepEqual((await add({})).body.errors, ["missing secret_id"]);
  assert.equal((await add({ secret_id: "x".repeat(5000) })).status, 400);
  assert.equal((await login("chosen")).status, 200);
});

test("networks bind logins by role and by secret id, and a refused login costs no use", async () => {
  const { request, issue, login } = await withRole({ secret_id_bound_cidrs: "10.0.0.0/8" });
  const { secret_id } = await issue({ cidr_list: "10.1.0.0/16", token_bound_cidrs: "10.1.0.0/16", num_uses: 1 });
  assert.match((await login(secret_id, "10.2.0.1")).body.errors![0]!, /source address "10.2.0.1" unauthorized through CIDR restrictions on the secret ID/);
  const { secret_id: wide } = await issue();
  assert.match((await login(wide, "127.0.0.1")).body.errors![0]!, /source address "127.0.0.1" unauthorized by CIDR restrictions on the role/);
  const { status, body } = await login(secret_id, "10.1.0.1");
  assert.equal(status, 200);
  const lookup = (remoteAddress: string) => request("GET", "auth/token/lookup-self", undefined, { token: body["auth"].client_token as string, remoteAddress });
  assert.deepEqual([(await lookup("10.1.0.2")).status, (await lookup("127.0.0.1")).status], [200, 403]);
});

test("a role without secret ids lets in whoever comes from its networks", async () => {
  const { request } = await withRole({ bind_secret_id: false, secret_id_bound_cidrs: "127.0.0.1/32" });
  assert.equal((await request("POST", "auth/approle/login", { role_id: "rid" }, { token: "" })).status, 200);
  assert.equal((await request("POST", "auth/approle/login", { role_id: "rid" }, { token: "", remoteAddress: "10.0.0.1" })).status, 400);
  assert.deepEqual((await request("POST", "auth/approle/role/r/secret-id", {})).body.errors, ["bind_secret_id is not set on the role"]);
});

test("what is forged, of another role, truncated, oversized or of another type gets nobody in, and writes nothing but the failure", async () => {
  const { request, issue, store } = await withRole();
  const { secret_id, secret_id_accessor } = await issue();
  await request("POST", "auth/approle/role/other", { role_id: "other" });
  const login = (body: unknown) => request("POST", "auth/approle/login", JSON.stringify(body), { token: "" });
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [{}, /missing role_id/],
    [{ role_id: "rid" }, /missing secret_id/],
    [{ role_id: "rid", secret_id: " " }, /missing secret_id/],
    [{ role_id: "nobody", secret_id }, /invalid role or secret ID/],
    [{ role_id: "other", secret_id }, /invalid role or secret ID/],
    [{ role_id: "rid", secret_id: secret_id.slice(0, -1) }, /invalid role or secret ID/],
    [{ role_id: "rid", secret_id: secret_id_accessor }, /invalid role or secret ID/],
    [{ role_id: "rid", secret_id: "x".repeat(100_000) }, /invalid role or secret ID/],
    [{ role_id: "x".repeat(100_000), secret_id }, /invalid role or secret ID/],
    [{ role_id: "rid", secret_id: [secret_id] }, /Field validation failed/],
    [{ role_id: { $ne: "" }, secret_id }, /Field validation failed/],
    [[], /must be a JSON object/],
  ];
  const before = await storedBesideFailures(store);
  for (const [body, message] of refused) {
    const answer = await login(body);
    assert.equal(answer.status, 400, JSON.stringify(body).slice(0, 80));
    assert.match(answer.body.errors![0]!, message);
    assert.ok(!answer.text.includes(secret_id));
    assert.deepEqual(await storedBesideFailures(store), before);
    await request("POST", `sys/locked-users/${await accessor(request)}/unlock/rid`);
  }
});

async function accessor(request: Awaited<ReturnType<typeof createHarness>>["request"]): Promise<string> {
  return (await request("GET", "sys/auth/approle")).body["accessor"] as string;
}

test("secret ids of a role that is gone are good for nothing in a new one of its name", async () => {
  const { request, issue, login, doDueWork, store } = await withRole();
  const { secret_id, secret_id_accessor } = await issue();
  await request("DELETE", "auth/approle/role/r");
  await request("POST", "auth/approle/role/r", { role_id: "rid" });
  assert.equal((await login(secret_id)).status, 400);
  assert.equal((await request("POST", "auth/approle/role/r/secret-id-accessor/lookup", { secret_id_accessor })).status, 404);
  await doDueWork();
  const { value } = await store.evaluate((tx) => tx.keys("logical/"));
  assert.deepEqual(value.filter((key) => /\/(secret|accessor|doomed)\//.test(key)), []);
});

test("ten thousand secret ids cost a login what one does, and are tidied in slices", async () => {
  const { request, issue, login, clock, doDueWork, store } = await withRole({ secret_id_ttl: 60 });
  const { secret_id } = await issue();
  for (let i = 0; i < 100; i++) await Promise.all(Array.from({ length: 100 }, (_, j) => request("POST", "auth/approle/role/r/custom-secret-id", { secret_id: `s${i}-${j}` })));
  const started = performance.now();
  for (let i = 0; i < 20; i++) assert.equal((await login(secret_id)).status, 200);
  const each = (performance.now() - started) / 20;
  assert.ok(each < 50, `${each} ms a login`);
  assert.equal(((await request("LIST", "auth/approle/role/r/secret-id")).body["data"].keys as string[]).length, 10_001);
  assert.equal(((await request("LIST", "auth/approle/role/r/secret-id", undefined, { query: { limit: "7" } })).body["data"].keys as string[]).length, 7);
  clock.advance(61);
  const tidied = await request("POST", "auth/approle/tidy/secret-id");
  assert.equal(tidied.status, 202);
  assert.match(tidied.body.warnings![0]!, /^Tidy operation successfully started/);
  await doDueWork();
  assert.deepEqual((await store.evaluate((tx) => tx.keys("logical/"))).value.filter((key) => /\/(secret|accessor|due)\//.test(key)), []);
});

test("a token is renewed while its role is there", async () => {
  const { request, store } = await withRole();
  const uuid = (await request("GET", "sys/auth/approle")).body["uuid"] as string;
  const renew = () => store.evaluate((tx) => approle.renewLogin!({ role_name: "r" }, tx.scoped(`logical/${uuid}/`), {} as Mount, { clientCertificate: undefined, remoteAddress: "" }));
  await renew();
  await request("DELETE", "auth/approle/role/r");
  assert.throws(renew, /role "r" does not exist during renewal/);
});

test("a renewal goes by what the role gives now", async () => {
  const { request, issue, login } = await withRole({ token_ttl: "10m" });
  const token = (await login((await issue()).secret_id)).body["auth"].client_token as string;
  const renew = async (body = {}) => (await request("POST", "auth/token/renew-self", body, { token })).body["auth"].lease_duration as number;
  assert.equal(await renew(), 600);
  await request("POST", "auth/approle/role/r", { token_ttl: "20m", token_max_ttl: "30m" });
  assert.deepEqual([await renew(), await renew({ increment: "9h" })], [1200, 1800]);
  await request("POST", "auth/approle/role/r", { token_period: "5m" });
  assert.equal(await renew({ increment: "9h" }), 300);
});

test("a lease-count quota with a role counts the logins that were there before it", async () => {
  const { request, mount } = await createHarness();
  await mount("auth/approle", "approle");
  for (const role of ["ci", "other"]) await request("POST", `auth/approle/role/${role}`, { role_id: role, bind_secret_id: false, token_bound_cidrs: "127.0.0.1/8" });
  const login = async (role_id: string) => (await request("POST", "auth/approle/login", { role_id }, { token: "" })).status;
  assert.deepEqual([await login("ci"), await login("ci"), await login("other")], [200, 200, 200]);
  assert.equal((await request("POST", "sys/quotas/lease-count/ci", { path: "auth/approle", role: "ci", max_leases: 3 })).status, 204);
  assert.equal((await request("GET", "sys/quotas/lease-count/ci")).body["data"].counter, 2);
  assert.deepEqual([await login("ci"), await login("ci"), await login("other")], [200, 429, 200]);
});
