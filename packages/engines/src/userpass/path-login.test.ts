import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mount } from "@coffer/state-machine";
import { createHarness } from "../testing/harness.js";
import { storedBesideFailures } from "../testing/stored.js";
import { userpass } from "./engine.js";

/** Of "imported", made by another program. */
const IMPORTED = "$2b$05$abcdefghijklmnopqrstuu4J1CRaISlmr1UFlkNMeo9B1dsle5N5m";

async function withAlice() {
  const harness = await createHarness();
  const { request } = harness;
  await harness.mount("auth/userpass", "userpass");
  assert.equal((await request("POST", "auth/userpass/users/Alice", { password: "correct horse", token_policies: "dev", token_ttl: "1h" })).status, 204);
  const login = (password: unknown, name = "alice", remoteAddress?: string) => request("POST", `auth/userpass/login/${name}`, { password }, { token: "", ...(remoteAddress !== undefined && { remoteAddress }) });
  return { ...harness, login };
}

test("a user logs in, however the name is written", async () => {
  const { request, store, login } = await withAlice();
  const index = store.index();
  const { status, body } = await login("correct horse", "ALICE");
  assert.equal(store.index(), index + 1, "token, entity and alias are one entry");
  assert.equal(status, 200);
  assert.deepEqual([body["auth"].policies, body["auth"].metadata, body["auth"].lease_duration], [["default", "dev"], { username: "alice" }, 3600]);
  const self = (await request("GET", "auth/token/lookup-self", undefined, { token: body["auth"].client_token as string })).body["data"] as Record<string, unknown>;
  assert.deepEqual([self["display_name"], self["path"]], ["userpass-alice", "auth/userpass/login/ALICE"]);
  assert.deepEqual((await request("LIST", "auth/userpass/users")).body["data"], { keys: ["alice"] });
  const shown = await request("GET", "auth/userpass/users/alice");
  assert.equal(shown.body["data"].token_ttl, 3600);
  assert.ok(!/password|hash|\$2/.test(shown.text));
});

test("a wrong password, an unknown user, and what is no password at all get nobody in, and write nothing but the failure", async () => {
  const { request, login, store } = await withAlice();
  const before = await storedBesideFailures(store);
  const refused: readonly (readonly [unknown, string, RegExp])[] = [
    ["wrong", "alice", /^invalid username or password$/],
    ["correct horse", "bob", /^invalid username or password$/],
    ["correct horse ", "alice", /^invalid username or password$/],
    ["correct hors", "alice", /^invalid username or password$/],
    [`correct horse\0`, "alice", /^invalid username or password$/],
    ["x".repeat(100_000), "alice", /^invalid username or password$/],
    ["", "alice", /^missing password$/],
    [undefined, "alice", /^missing password$/],
    [["correct horse"], "alice", /Field validation failed/],
    [{ a: 1 }, "alice", /Field validation failed/],
    ["correct horse", "-alice", /Field validation failed/],
    ["correct horse", "alice%00", /Field validation failed/],
  ];
  const accessor = (await request("GET", "sys/auth/userpass")).body["accessor"] as string;
  for (const [password, name, message] of refused) {
    const { status, body, text } = await login(password, name);
    assert.equal(status, 400, name);
    assert.match(body.errors![0]!, message);
    assert.ok(!text.includes("correct horse"));
    assert.deepEqual(await storedBesideFailures(store), before);
    await request("POST", `sys/locked-users/${accessor}/unlock/alice`);
  }
});

test("an unknown user takes about as long as a wrong password", async () => {
  const { request, login } = await withAlice();
  await request("POST", "sys/auth/userpass/tune", { user_lockout_config: { lockout_disable: true } });
  const timed = async (name: string) => {
    const started = performance.now();
    await login("wrong", name);
    return performance.now() - started;
  };
  const times: { readonly known: number; readonly unknown: number }[] = [];
  // In turns, so that what else the machine does hits both.
  for (let i = 0; i < 5; i++) times.push({ known: await timed("alice"), unknown: await timed("bob") });
  const [known, unknown] = (["known", "unknown"] as const).map((who) => times.map((one) => one[who]).sort((a, b) => a - b)[2]!) as [number, number];
  assert.ok(unknown > known / 3 && unknown < known * 3, `${unknown} ms against ${known} ms`);
});

test("a password is changed, and the old one is worth nothing", async () => {
  const { request, login } = await withAlice();
  assert.equal((await request("POST", "auth/userpass/users/ALICE/password", { password: "new" })).status, 204);
  assert.equal((await login("correct horse")).status, 400);
  assert.equal((await login("new")).status, 200);
  assert.deepEqual((await request("POST", "auth/userpass/users/bob/password", { password: "new" })).body.errors, ["username does not exist"]);
  assert.deepEqual((await request("POST", "auth/userpass/users/alice/password", {})).body.errors, ["missing password"]);
});

test("a hash made elsewhere is taken over", async () => {
  const { request, login } = await withAlice();
  assert.equal((await request("POST", "auth/userpass/users/bob", { password_hash: IMPORTED })).status, 204);
  assert.equal((await login("imported", "bob")).status, 200);
  assert.equal((await login("Imported", "bob")).status, 400);
});

test("what no user can be made of is refused, and nothing is written", async () => {
  const { request, store } = await withAlice();
  const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{}, /missing password/],
    [{ password: "" }, /missing password/],
    [{ password: "x".repeat(73) }, /longer than the 72 bytes/],
    [{ password: "a", password_hash: IMPORTED }, /only one of password or password_hash/],
    [{ password_hash: "secret" }, /not a valid bcrypt hash/],
    [{ password_hash: IMPORTED.replace("$05$", "$04$") }, /cost of 4 is too low/],
    [{ password_hash: IMPORTED.replace("$05$", "$13$") }, /cost of 13 exceeds/],
    [{ password: ["a"] }, /Field validation failed.*expected string/],
    [{ password: "a", token_ttl: "soon" }, /invalid duration/],
    [{ password: "a", token_type: "root" }, /invalid 'token_type'/],
  ];
  const before = store.index();
  for (const [body, message] of refused) {
    const { status, body: answer } = await request("POST", "auth/userpass/users/bob", body);
    assert.equal(status, 400, JSON.stringify(body));
    assert.match(answer.errors![0]!, message);
  }
  assert.equal(store.index(), before);
});

test("policies are set by the path that sets nothing else, under either name", async () => {
  const { request } = await withAlice();
  const policies = async () => {
    const { token_policies, policies: older, token_ttl } = (await request("GET", "auth/userpass/users/alice")).body["data"] as Record<string, unknown>;
    return [token_policies, older, token_ttl];
  };
  assert.equal((await request("POST", "auth/userpass/users/alice/policies", { policies: "B,a" })).status, 204);
  assert.deepEqual(await policies(), [["a", "b"], ["a", "b"], 3600]);
  assert.equal((await request("POST", "auth/userpass/users/alice/policies", { token_policies: "c" })).status, 204);
  assert.deepEqual(await policies(), [["c"], undefined, 3600]);
  assert.equal((await request("POST", "auth/userpass/users/bob/policies", { token_policies: "c" })).status, 400);
});

test("a login from elsewhere than the user's networks is denied", async () => {
  const { request, login } = await withAlice();
  await request("POST", "auth/userpass/users/alice", { token_bound_cidrs: "10.0.0.0/8" });
  assert.deepEqual([(await login("correct horse", "alice", "127.0.0.1")).status, (await login("correct horse", "alice", "10.0.0.1")).status], [403, 200]);
});

test("five wrong passwords lock the user, whatever the case of the name", async () => {
  const { login } = await withAlice();
  for (const name of ["alice", "Alice", "ALICE", "aLice", "alicE"]) assert.equal((await login("wrong", name)).status, 400);
  assert.equal((await login("correct horse")).status, 403);
});

test("a token is renewed while its user is there and has the policies it had", async () => {
  const { request, store } = await withAlice();
  const uuid = (await request("GET", "sys/auth/userpass")).body["uuid"] as string;
  const renew = () => store.evaluate((tx) => userpass.renewLogin!({ username: "alice", policies: ["dev"] }, tx.scoped(`logical/${uuid}/`), {} as Mount, { clientCertificate: undefined, remoteAddress: "" }));
  await renew();
  await request("POST", "auth/userpass/users/alice", { token_policies: "default,Dev" });
  await renew();
  await request("POST", "auth/userpass/users/alice", { token_policies: "ops" });
  assert.throws(renew, /policies have changed, not renewing/);
  await request("DELETE", "auth/userpass/users/alice");
  assert.throws(renew, /not there any more/);
  assert.equal((await request("GET", "auth/userpass/users/alice")).status, 404);
});

test("who has no policies is not told of any but those of the entity", async () => {
  const { request, login } = await withAlice();
  await request("POST", "auth/userpass/users/alice", { token_policies: "", token_no_default_policy: true });
  const { auth } = (await login("correct horse")).body;
  assert.deepEqual([auth.policies, "token_policies" in auth], [[], false]);
});

test("a renewal goes by what the user is given now", async () => {
  const { request, login } = await withAlice();
  const token = (await login("correct horse")).body["auth"].client_token as string;
  const renew = async (body = {}) => (await request("POST", "auth/token/renew-self", body, { token })).body["auth"].lease_duration as number;
  assert.equal(await renew(), 3600);
  await request("POST", "auth/userpass/users/alice", { token_ttl: "2h", token_max_ttl: "3h" });
  assert.deepEqual([await renew(), await renew({ increment: "9h" })], [7200, 10_800]);
  await request("POST", "auth/userpass/users/alice", { token_period: "10m" });
  assert.equal(await renew({ increment: "9h" }), 600);
});

test("a login as nobody writes what a wrong password writes, locks nobody and is listed nowhere", async () => {
  const { request, login, store, clock, doDueWork } = await withAlice();
  const keysUnder = async (folder: string) => (await store.evaluate((tx) => tx.keys(`core/${folder}/`))).value.length;
  const writes = async (name: string) => {
    const before = store.index();
    assert.equal((await login("wrong", name)).status, 400);
    return store.index() - before;
  };
  assert.deepEqual([await writes("alice"), await writes("bob")], [1, 1]);
  for (let i = 0; i < 7; i++) assert.equal((await login("wrong", "bob")).status, 400, "never locked");
  assert.equal(await keysUnder("lockout"), 2);
  assert.equal((await request("GET", "sys/locked-users")).body["data"].total, 0);
  clock.advance(2000);
  await doDueWork();
  assert.equal(await keysUnder("lockout"), 0);
});

test("alias_metadata of a user is custom metadata of the alias, follows the user, and leaves an operator's alone", async () => {
  const { request, login, store, tokenWith } = await withAlice();
  const metadata = async (): Promise<unknown> => {
    const { entity_id } = (await login("correct horse")).body["auth"] as { entity_id: string };
    const [alias] = (await request("GET", `identity/entity/id/${entity_id}`)).body["data"].aliases as Record<string, unknown>[];
    return alias!["custom_metadata"];
  };
  const give = async (alias_metadata: unknown) => assert.equal((await request("POST", "auth/userpass/users/alice", { alias_metadata })).status, 204);
  assert.equal(await metadata(), null);
  await give({ team: "ops", site: "basel" });
  assert.deepEqual(await metadata(), { team: "ops", site: "basel" });
  const entity = await store.evaluate((tx) => tx.keys("core/identity/"));
  const index = store.index();
  assert.deepEqual(await metadata(), { team: "ops", site: "basel" });
  assert.deepEqual([store.index(), (await store.evaluate((tx) => tx.keys("core/identity/"))).value], [index + 1, entity.value], "one entry, and no other identity");

  const { accessor } = (await request("GET", "sys/auth/userpass")).body as { accessor: string };
  const [alias] = (await request("LIST", "identity/entity-alias/id")).body["data"].keys as string[];
  await request("POST", `identity/entity-alias/id/${alias}`, { custom_metadata: { desk: "4", team: "theirs" } });
  assert.deepEqual(await metadata(), { desk: "4", team: "ops", site: "basel" });
  await give({ site: "bern" });
  assert.deepEqual(await metadata(), { desk: "4", site: "bern" });
  await give({});
  assert.deepEqual(await metadata(), { desk: "4" });

  await give({ team: "ops" });
  await request("POST", "sys/policies/acl/dev", { policy: `path "team/{{identity.entity.aliases.${accessor}.custom_metadata.team}}" { capabilities = ["update"] }` });
  const { client_token: token } = (await login("correct horse")).body["auth"] as { client_token: string };
  const capabilities = async (path: string) => (await request("POST", "sys/capabilities", { path, token }, { token: await tokenWith('path "sys/capabilities" { capabilities = ["update"] }') })).body["capabilities"] as unknown;
  assert.deepEqual([await capabilities("team/ops"), await capabilities("team/theirs")], [["update"], ["deny"]]);
});
