import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startDuo } from "@coffer/counterparts";
import { createAskFactor } from "../second-factors/ask.js";
import { REDIRECT, service } from "../testing/oidc-service.js";
import { certificateFor } from "../testing/server-certificate.js";

const EXPIRED = "Vault login failed. Expired or missing OAuth state.";

test("a login by browser, at a real provider, gives a token", async (t) => {
  const { request, visited, end } = await service(t);
  const { status, body } = await end(await visited());
  assert.equal(status, 200, JSON.stringify(body));
  const { client_token: token, policies, metadata } = body["auth"];
  assert.deepEqual([policies, metadata], [["default", "dev"], { full_name: "The ann", role: "dev" }]);
  assert.equal((await request("GET", "auth/token/lookup-self", undefined, { token })).body["data"].display_name, "oidc-ann");
});

test("a login by browser counts under the quota of its role", async (t) => {
  const { request, visited, end } = await service(t);
  assert.equal((await request("POST", "sys/quotas/lease-count/dev", { path: "auth/oidc", role: "dev", max_leases: 1 })).status, 204);
  assert.deepEqual([(await end(await visited())).status, (await end(await visited())).status], [200, 429]);
  assert.equal((await request("GET", "sys/quotas/lease-count/dev")).body["data"].counter, 1);
});

test("a second factor that comes along is asked for once, and the code redeemed once, whatever is forgotten meanwhile", async (t) => {
  const keys = { integrationKey: "DIWJ8X6AEYOR5OMC6TQ1", secretKey: "Zh5eGmUq9zpfQnyUIu5OL9iWoMMv5ZNmk3zLJ4Ep" };
  const certificate = await certificateFor({ type: "ip", value: "127.0.0.1" });
  const duo = await startDuo(certificate, { ...keys, users: { ann: { push: "allow", passcodes: [] } } });
  t.after(() => duo.stop());
  const askFactor = createAskFactor({ env: { now: () => Date.now() }, ca: certificate.certificate });
  const { request, visited, end, provider, store } = await service(t, {}, { askFactor(question) {
    // The telephone rings for a minute, in which a busy node may forget everything that it had in its cache.
    store.clearCache();
    return askFactor(question);
  } });
  const accessor = (await request("GET", "sys/auth/oidc")).body["accessor"] as string;
  const { method_id: id } = (await request("POST", "identity/mfa/method/duo", { method_name: "phone", integration_key: keys.integrationKey, secret_key: keys.secretKey, api_hostname: `127.0.0.1:${duo.port}`, username_format: `{{identity.entity.aliases.${accessor}.name}}` })).body["data"];
  assert.equal((await request("POST", "identity/mfa/login-enforcement/people", { mfa_method_ids: [id], auth_method_types: ["oidc"] })).status, 204);
  const { status, text, body } = await end(await visited(), { "x-vault-mfa": "phone" });
  assert.equal(status, 200, text);
  assert.deepEqual(body["auth"].policies, ["default", "dev"]);
  assert.equal(provider.redeemed(), 1);
  assert.equal(duo.seen.filter(({ path }) => path === "/auth/v2/auth").length, 1);
});

test("the provider may want the client secret in the body", async (t) => {
  const { visited, end } = await service(t, { tokenEndpointAuth: "client_secret_post" });
  assert.equal((await end(await visited())).status, 200);
});

test("the URL asks for a code with PKCE, state and nonce, and for the role's scopes and age", async (t) => {
  const { begin, provider, role } = await service(t);
  await role({ max_age: "10m" });
  const { origin, searchParams } = new URL(await begin());
  assert.equal(origin, provider.url);
  const { state, nonce, code_challenge: challenge, ...rest } = Object.fromEntries(searchParams);
  assert.deepEqual(rest, { client_id: "coffer", code_challenge_method: "S256", max_age: "600", redirect_uri: REDIRECT, response_type: "code", scope: "openid profile groups" });
  assert.match(state!, /^st_[a-z0-9]{49}$/);
  assert.match(nonce!, /^n_[0-9a-f]{40}$/);
  assert.equal(challenge!.length, 43);
});

test("a state is good once, and for five minutes; a code is good once", async (t) => {
  const { visited, end, clock, doDueWork, store } = await service(t);
  const first = await visited();
  assert.equal((await end(first)).status, 200);
  assert.deepEqual((await end(first)).body.errors, [EXPIRED]);
  const second = await visited();
  const replayed = await end({ ...second, code: first.code });
  assert.equal(replayed.status, 400);
  assert.match(replayed.body.errors![0]!, /^Vault login failed\. Error exchanging oidc code: "unable to exchange auth code with provider: status 400, invalid_grant"\.$/);
  assert.deepEqual((await end(second)).body.errors, [EXPIRED], "the state went with the attempt");
  const third = await visited();
  clock.advance(301);
  assert.deepEqual((await end(third)).body.errors, [EXPIRED]);
  const before = store.index();
  await doDueWork();
  assert.ok(store.index() > before, "what is over is forgotten");
});

test("of two that end the same login at once, one gets a token", async (t) => {
  const { visited, end } = await service(t);
  const back = await visited();
  const answers = await Promise.all([end(back), end(back), end(back)]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400, 400]);
});

test("only the client that began a login can end it", async (t) => {
  const { visited, end } = await service(t);
  for (const client_nonce of ["", "mine ", "other"]) {
    const back = await visited();
    assert.deepEqual((await end({ ...back, client_nonce })).body.errors, ["invalid client_nonce"]);
    assert.deepEqual((await end(back)).body.errors, [EXPIRED]);
  }
});

test("a code that was issued to another login does not fit: PKCE and nonce", async (t) => {
  const { visited, end } = await service(t);
  const [mine, stolen] = [await visited("ann"), await visited("eve")];
  const { status, body } = await end({ ...mine, code: stolen.code });
  assert.equal(status, 400);
  assert.match(body.errors![0]!, /Error exchanging oidc code/);
});

test("states that are made up, and callbacks without a code, are refused and write nothing else", async (t) => {
  const { visited, end, store } = await service(t);
  const before = store.index();
  for (const state of ["", "x", "st_", "../config", "st_../../config", `st_${"0".repeat(49)}`, "st_".padEnd(100_000, "a")]) assert.deepEqual((await end({ state, code: "x" })).body.errors, [EXPIRED]);
  assert.equal(store.index(), before);
  const { code: _code, ...back } = await visited();
  assert.deepEqual((await end(back)).body.errors, ["Vault login failed. No code or id_token received."]);
});

test("what the provider refuses is passed on by its code, not by its text", async (t) => {
  const { begin, end } = await service(t);
  const stateOf = async () => new URL(await begin()).searchParams.get("state")!;
  assert.deepEqual((await end({ state: await stateOf(), error: "access_denied", error_description: "<script>", client_nonce: "mine" })).body.errors, ["Vault login failed. access_denied"]);
  assert.deepEqual((await end({ state: await stateOf(), error: "<script>", client_nonce: "mine" })).body.errors, ["Vault login failed. An unknown error occurred during OIDC authentication."]);
});

test("browsers are sent back to the role's addresses only; on loopback any port will do", async (t) => {
  const { begin, role } = await service(t);
  assert.notEqual(await begin({ redirect_uri: "http://localhost:9999/oidc/callback" }), "");
  for (const redirect_uri of ["http://localhost:8250/other", "https://localhost:8250/oidc/callback", "http://127.0.0.1:8250/oidc/callback", "https://evil.example/oidc/callback", "x", "http://localhost@evil.example/oidc/callback"]) assert.equal(await begin({ redirect_uri }), "", redirect_uri);
  await role({ allowed_redirect_uris: "https://vault.example/ui/vault/auth/oidc/oidc/callback" });
  assert.notEqual(await begin({ redirect_uri: "https://vault.example/ui/vault/auth/oidc/oidc/callback" }), "");
  assert.equal(await begin({ redirect_uri: "https://vault.example:8443/ui/vault/auth/oidc/oidc/callback" }), "");
});

test("a namespace goes into the state, where the configuration says so", async (t) => {
  const { begin, role } = await service(t);
  await role({ allowed_redirect_uris: "https://vault.example/cb" });
  const { searchParams } = new URL(await begin({ redirect_uri: "https://vault.example/cb?namespace=team" }));
  assert.equal(searchParams.get("redirect_uri"), "https://vault.example/cb");
  assert.match(searchParams.get("state")!, /^st_[a-z0-9]+,ns=team$/);
});

test("roles bind browsers' users as they bind tokens", async (t) => {
  const { visited, end, role } = await service(t);
  await role({ bound_claims: { groups: "admins" } });
  assert.deepEqual((await end(await visited())).body.errors, ['Vault login failed. error validating claims: claim "groups" does not match any associated bound claim values']);
  await role({ bound_claims: { groups: "ops" }, bound_subject: "bob" });
  assert.deepEqual((await end(await visited())).body.errors, ["Vault login failed. sub claim does not match bound subject"]);
  assert.equal((await end(await visited("bob"))).status, 200);
  await role({ bound_subject: "", bound_audiences: "other" });
  assert.match((await end(await visited())).body.errors![0]!, /audience claim does not match any expected audience/);
  await role({ bound_audiences: "coffer", max_age: "1h" });
  assert.equal((await end(await visited())).status, 200);
});

test("tokens of the provider become metadata where the role wants that, and are not shown in the audit log", async (t) => {
  const { request, visited, end, role } = await service(t);
  assert.deepEqual((await request("POST", "auth/oidc/role/dev", { user_claim: "sub", oauth2_metadata: "password" })).body.errors, ["Unrecognized oauth2 metadata name password"]);
  await role({ oauth2_metadata: "id_token,access_token,refresh_token" });
  const folder = mkdtempSync(join(tmpdir(), "coffer-audit-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "audit.log");
  assert.equal((await request("POST", "sys/audit/file", { type: "file", options: { file_path: file } })).status, 204);
  const { auth } = (await end(await visited())).body;
  const { oauth2_id_token: idToken, oauth2_access_token: accessToken, oauth2_refresh_token: refreshToken, ...rest } = auth.metadata;
  assert.match(idToken, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  assert.ok(accessToken.length > 20);
  assert.deepEqual([refreshToken, rest], ["", { full_name: "The ann", role: "dev" }]);
  const self = (await request("GET", "auth/token/lookup-self", undefined, { token: auth.client_token as string })).body["data"];
  assert.equal(self.meta.oauth2_id_token, idToken);
  assert.deepEqual((await request("GET", `identity/entity/id/${auth.entity_id as string}`)).body["data"].aliases[0].metadata, rest);
  const lines = readFileSync(file, "utf8");
  assert.match(lines, /"oauth2_id_token":"hmac-sha256:/);
  assert.ok(!lines.includes(idToken) && !lines.includes(accessToken));
});

test("a wrong client secret is the provider's to refuse", async (t) => {
  const { visited, end, request, config } = await service(t);
  await request("POST", "auth/oidc/config", { ...config, oidc_client_secret: "wrong" });
  assert.match((await end(await visited())).body.errors![0]!, /status 401, invalid_client/);
});

test("where logins by browser are not configured, that is said", async (t) => {
  const { request, provider } = await service(t);
  await request("POST", "auth/oidc/config", { oidc_discovery_url: provider.url });
  const answer = await request("POST", "auth/oidc/oidc/auth_url", { redirect_uri: REDIRECT, role: "dev" }, { token: "" });
  assert.deepEqual([answer.status, answer.body.errors], [400, ["OIDC login is not configured for this mount"]]);
});
