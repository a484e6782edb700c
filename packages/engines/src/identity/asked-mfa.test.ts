import assert from "node:assert/strict";
import { test } from "node:test";
import { startDuo, startOkta, startPingId } from "@coffer/counterparts";
import type { TlsService } from "@coffer/counterparts";
import { createAskFactor } from "../second-factors/ask.js";
import { certificateFor } from "../testing/server-certificate.js";
import { createIdentityHarness } from "./testing.js";

/** Second factors that services are asked for: real HTTPS servers with the shapes and checks of Duo's, Okta's and PingID's APIs. */
const PATIENCE_MS = 15_000;
const IMPATIENCE_MS = 1_500;
const certificate = await certificateFor({ type: "ip", value: "127.0.0.1" });
const DUO = { integrationKey: "DIWJ8X6AEYOR5OMC6TQ1", secretKey: "Zh5eGmUq9zpfQnyUIu5OL9iWoMMv5ZNmk3zLJ4Ep" };
const OKTA_TOKEN = "00QCjAl4MlV-WPXM";
const PING = { orgAlias: "2f5c1a26", token: "a-token-of-ping", base64Key: Buffer.from("a key of an organization").toString("base64") };

type Body = Readonly<Record<string, unknown>>;
type Stop = { after(fn: () => Promise<void>): void };

async function harnessWith({ patienceMs = PATIENCE_MS, ca = certificate.certificate } = {}) {
  const env = { now: () => Date.now() };
  return createIdentityHarness({ askFactor: createAskFactor({ env, ca, patienceMs }) });
}

/** bob's logins by auth/login need the method. */
async function guarded(type: string, body: Body, options?: Parameters<typeof harnessWith>[0]) {
  const harness = await harnessWith(options);
  const { request, made, login } = harness;
  await login("bob");
  const { method_id: id } = await made(`identity/mfa/method/${type}`, { method_name: "phone", username_format: "{{identity.entity.aliases." + harness.accessor + ".name}}@example.com", ...body });
  assert.equal((await request("POST", "identity/mfa/login-enforcement/people", { mfa_method_ids: [id], auth_method_types: ["login"] })).status, 204);
  const pending = async () => (await login("bob")).body["auth"].mfa_requirement;
  const validate = async (...credentials: string[]) => request("POST", "sys/mfa/validate", { mfa_request_id: (await pending()).mfa_request_id, mfa_payload: { [id as string]: credentials } }, { token: "" });
  return { ...harness, id: id as string, pending, validate };
}

async function duoOf(t: Stop, user: Parameters<typeof startDuo>[1]["users"][string]): Promise<TlsService> {
  const duo = await startDuo(certificate, { ...DUO, users: { "bob@example.com": user } });
  t.after(() => duo.stop());
  return duo;
}
const duoMethod = ({ port }: TlsService, more: Body = {}): Body => ({ integration_key: DUO.integrationKey, secret_key: DUO.secretKey, api_hostname: `127.0.0.1:${port}`, ...more });

test("Duo: a push that is accepted, in two phases and in one; the user's address goes along", async (t) => {
  const duo = await duoOf(t, { push: "allow", passcodes: [] });
  const { validate, login, pending } = await guarded("duo", duoMethod(duo, { push_info: "from=login%20portal" }));
  assert.deepEqual((await pending()).mfa_constraints.people.any.map(({ type, uses_passcode }: Body) => [type, uses_passcode]), [["duo", false]]);
  for (const credentials of [[], [""]]) {
    const done = await validate(...credentials);
    assert.equal(done.status, 200, done.text);
    assert.equal(done.body["auth"].metadata.name, "bob");
  }
  assert.equal((await login("bob", {}, { "x-vault-mfa": "phone" })).body["auth"].lease_duration, 3600);
  const asked = duo.seen.map(({ path, body, query }) => [path, new URLSearchParams(body || query)] as const);
  const auth = asked.find(([path]) => path === "/auth/v2/auth")![1];
  assert.deepEqual([auth.get("factor"), auth.get("device"), auth.get("async"), auth.get("ipaddr"), auth.get("pushinfo")], ["push", "auto", "1", "127.0.0.1", "from=login%20portal"]);
  // Once a login: it is evaluated more than once, the telephone rings once.
  assert.equal(asked.filter(([path]) => path === "/auth/v2/auth").length, 3);
});

test("Duo: a passcode, in each of its forms, is good once", async (t) => {
  const duo = await duoOf(t, { push: "deny", passcodes: ["111111", "222222", "333333"] });
  const { validate, login, pending } = await guarded("duo", duoMethod(duo, { use_passcode: true }));
  assert.equal((await pending()).mfa_constraints.people.any[0].uses_passcode, true);
  assert.equal((await validate("111111")).status, 200);
  assert.equal((await validate("passcode=222222")).status, 200);
  assert.equal((await login("bob", {}, { "x-vault-mfa": "phone:passcode=333333" })).status, 200);
  for (const [code, reason] of [["111111", /Login request denied/], ["444444", /Login request denied/]] as const) {
    const refused = await validate(code);
    assert.equal(refused.status, 403);
    assert.match(refused.body.errors![0]!, reason);
  }
  assert.match((await validate("1", "2")).body.errors![0]!, /not supplied or incorrect/);
  assert.equal((await login("bob", {}, { "x-vault-mfa": "phone" })).status, 403, "the push is denied");
});

test("Duo: who is denied, disabled or not enrolled is refused, with Duo's reason; who is let by needs no telephone", async (t) => {
  for (const [user, status, reason] of [
    [{ push: "deny", passcodes: [] }, 403, /Login request denied/],
    ["deny", 403, /Account is disabled/],
    ["enroll", 403, /Enroll an authentication device/],
    ["allow", 200, undefined],
  ] as const) {
    const { validate } = await guarded("duo", duoMethod(await duoOf(t, user)));
    const answer = await validate();
    assert.equal(answer.status, status, answer.text);
    if (reason) assert.match(answer.body.errors![0]!, reason);
  }
});

test("Duo: wrong keys, nobody there, a certificate of nobody and a user who never answers refuse the login and tell no secret", async (t) => {
  const duo = await duoOf(t, { push: "never", passcodes: [] });
  const stopped = await duoOf(t, "allow");
  await stopped.stop();
  const other = await certificateFor({ type: "ip", value: "127.0.0.1" });
  for (const [body, options, reason] of [
    [duoMethod(duo, { secret_key: "another" }), {}, /Invalid signature in request credentials/],
    [duoMethod(stopped), {}, /ECONNREFUSED/],
    [duoMethod(duo), { ca: other.certificate }, /self-signed certificate/],
    [duoMethod(duo), { patienceMs: IMPATIENCE_MS }, /timed out/],
  ] as const) {
    const { validate, pending } = await guarded("duo", body, options);
    const answer = await validate();
    assert.equal(answer.status, 403);
    assert.match(answer.body.errors![0]!, reason);
    assert.ok(!answer.text.includes(DUO.secretKey) && !answer.text.includes("another"));
    assert.ok((await pending()).mfa_request_id, "the next login waits again");
  }
});

async function oktaOf(t: Stop, user: Parameters<typeof startOkta>[1]["users"][string], more: { readonly apiToken?: string; readonly pollOrigin?: string } = {}): Promise<TlsService> {
  const okta = await startOkta(certificate, { apiToken: OKTA_TOKEN, users: { "bob@example.com": user }, ...more });
  t.after(() => okta.stop());
  return okta;
}
const oktaMethod = ({ port }: TlsService): Body => ({ org_name: "127.0.0", base_url: `1:${port}`, api_token: OKTA_TOKEN });

test("Okta: a push that is accepted; one that is rejected, runs out or goes to nobody is refused", async (t) => {
  for (const [user, status, reason] of [
    ["SUCCESS", 200, undefined],
    ["REJECTED", 403, /push verification explicitly rejected/],
    ["TIMEOUT", 403, /push verification timed out/],
    ["none", 403, /no push-type MFA factor found/],
  ] as const) {
    const { validate } = await guarded("okta", oktaMethod(await oktaOf(t, user)));
    const answer = await validate();
    assert.equal(answer.status, status, answer.text);
    if (reason) assert.match(answer.body.errors![0]!, reason);
  }
  const { validate } = await guarded("okta", { ...oktaMethod(await oktaOf(t, "SUCCESS")), username_format: "somebody@example.com" });
  assert.match((await validate()).body.errors![0]!, /no users found/);
  assert.match((await validate("123456")).body.errors![0]!, /takes no passcode/);
});

test("Okta: a wrong token, a link to somewhere else and a user who never answers refuse the login", async (t) => {
  const elsewhere = await oktaOf(t, "SUCCESS");
  for (const [okta, options, reason] of [
    [await oktaOf(t, "SUCCESS", { apiToken: "another" }), {}, /status 401/],
    [await oktaOf(t, "SUCCESS", { pollOrigin: `https://127.0.0.1:${elsewhere.port}` }), {}, /invalid poll link/],
    [await oktaOf(t, "never"), { patienceMs: IMPATIENCE_MS }, /timed out/],
  ] as const) {
    const { validate } = await guarded("okta", oktaMethod(okta), options);
    const answer = await validate();
    assert.equal(answer.status, 403);
    assert.match(answer.body.errors![0]!, reason);
    assert.ok(!answer.text.includes(OKTA_TOKEN));
  }
  assert.equal(elsewhere.seen.length, 0, "the token went nowhere else");
});

function settingsFile(port: number, more: Readonly<Record<string, string>> = {}): string {
  const lines = { use_base64_key: PING.base64Key, use_signature: "true", token: PING.token, idp_url: `https://127.0.0.1:${port}/pingid`, org_alias: PING.orgAlias, admin_url: "https://admin.example", authenticator_url: "https://authenticator.example", ...more };
  return Buffer.from(`#Auto-Generated from PingOne\n${Object.entries(lines).map(([name, value]) => `${name}=${value}\n`).join("")}`).toString("base64");
}

test("PingID: a push that is accepted or not, a forged answer, nobody who answers", async (t) => {
  for (const [user, more, options, status, reason] of [
    ["accept", {}, {}, 200, undefined],
    ["deny", {}, {}, 403, /Denied by the user/],
    ["accept", { answerKey: "YW5vdGhlcg==" }, {}, 403, /not signed by the organization's key/],
    ["accept", { orgAlias: "another" }, {}, 403, /invalid org_alias/],
    ["never", {}, { patienceMs: IMPATIENCE_MS }, 403, /timed out/],
  ] as const) {
    const ping = await startPingId(certificate, { ...PING, users: { "bob@example.com": user }, ...more });
    t.after(() => ping.stop());
    const { validate } = await guarded("pingid", { settings_file_base64: settingsFile(ping.port) }, options);
    const answer = await validate();
    assert.equal(answer.status, status, answer.text);
    if (reason) assert.match(answer.body.errors![0]!, reason);
    assert.ok(!answer.text.includes(PING.token) && !answer.text.includes(PING.base64Key));
  }
});

test("step-up MFA asks them too, once a request, and only of requests that name the method", async (t) => {
  const duo = await duoOf(t, { push: "allow", passcodes: [] });
  const { request, mount, tokenOf, entityOf, accessor } = await harnessWith();
  await mount("secret", "kv");
  assert.equal((await request("POST", "sys/policies/acl/guarded", { policy: 'path "secret/*" {\n capabilities = ["create", "update", "read"]\n mfa_methods = ["my_duo"]\n}' })).status, 204);
  assert.equal((await request("POST", "sys/mfa/method/duo/my_duo", duoMethod(duo, { mount_accessor: accessor, username_format: "{{alias.name}}@example.com" }))).status, 204);
  const token = await tokenOf("bob");
  assert.equal((await request("POST", `identity/entity/id/${(await entityOf("bob"))["id"]}`, { policies: ["guarded"] })).status, 204);
  const ask = (headers: Readonly<Record<string, string>>) => request("POST", "secret/a", { b: 1 }, { token, headers });
  assert.equal((await ask({})).status, 403);
  assert.equal(duo.seen.length, 0);
  assert.equal((await ask({ "x-vault-mfa": "my_duo" })).status, 204);
  assert.equal(duo.seen.filter(({ path }) => path === "/auth/v2/auth").length, 1);
  const refused = await ask({ "x-vault-mfa": "my_duo:passcode=1" });
  assert.deepEqual([refused.status, /duo authentication failed/.test(refused.text)], [403, true]);
});

test("methods are made, read without their secrets, changed and deleted by id and by name; bad settings are refused", async () => {
  const { request, made } = await harnessWith();
  const duo = { method_name: "d", integration_key: "a", secret_key: "duo-secret", api_hostname: "api-1.duosecurity.com" };
  const okta = { method_name: "o", org_name: "acme", api_token: "okta-secret" };
  const ping = { method_name: "p", settings_file_base64: settingsFile(443) };
  const ids: Record<string, string> = {};
  for (const [type, body] of [["duo", duo], ["okta", okta], ["pingid", ping]] as const) {
    ids[type] = (await made(`identity/mfa/method/${type}`, body))["method_id"] as string;
    assert.equal((await made(`identity/mfa/method/${type}`, body))["method_id"], ids[type], "by its name");
    assert.equal((await request("POST", `identity/mfa/method/${type}/${ids[type]}`, { ...body, username_format: "{{entity.name}}" })).status, 204);
    assert.equal((await request("POST", `sys/mfa/method/${type}/mine`, body)).status, type === "duo" ? 204 : 400, "a name is of one type");
    const listed = (await request("LIST", `identity/mfa/method/${type}`)).body["data"];
    assert.deepEqual(listed.keys, [ids[type]]);
    for (const text of [JSON.stringify(listed), (await request("GET", `identity/mfa/method/${type}/${ids[type]}`)).text, (await request("GET", `identity/mfa/method/${ids[type]}`)).text, (await request("GET", `sys/mfa/method/${type}/mine`)).text]) {
      for (const secret of ["duo-secret", "okta-secret", PING.base64Key, PING.token]) assert.ok(!text.includes(secret), text);
    }
  }
  const body = async (type: string) => (await request("GET", `identity/mfa/method/${type}/${ids[type]}`)).body["data"];
  const common = { username_format: "{{entity.name}}", mount_accessor: "", namespace_id: "root", namespace_path: "" };
  assert.deepEqual(await body("duo"), { ...common, id: ids["duo"], name: "d", type: "duo", api_hostname: "api-1.duosecurity.com", pushinfo: "", use_passcode: false });
  assert.deepEqual(await body("okta"), { ...common, id: ids["okta"], name: "o", type: "okta", org_name: "acme", base_url: "okta.com", primary_email: false });
  assert.deepEqual(await body("pingid"), { ...common, id: ids["pingid"], name: "p", type: "pingid", use_signature: true, idp_url: "https://127.0.0.1:443/pingid", org_alias: PING.orgAlias, admin_url: "https://admin.example", authenticator_url: "https://authenticator.example" });

  for (const [type, bad, reason] of [
    ["duo", { ...duo, secret_key: "" }, "secret_key is empty"],
    ["duo", { ...duo, api_hostname: "a/../b" }, "api_hostname must be the name of a host"],
    ["duo", { ...okta, ...duo, method_name: "o" }, "the method is one of type okta, not duo"],
    ["okta", { ...okta, api_token: "" }, "api_token must be set"],
    ["okta", { ...okta, base_url: "evil.example/x?" }, "org_name and base_url must make the name of a host"],
    ["pingid", { ...ping, settings_file_base64: "!" }, "settings_file_base64 is not valid base64"],
    ["pingid", { ...ping, settings_file_base64: settingsFile(1, { idp_url: "http://127.0.0.1" }) }, "idp_url of the pingid settings file must be an https URL"],
    ["pingid", { ...ping, settings_file_base64: settingsFile(1, { more: "1" }) }, "pingid settings file contains an unknown key"],
  ] as const) assert.deepEqual((await request("POST", `identity/mfa/method/${type}`, bad)).body.errors, [reason]);
  assert.equal((await request("GET", `identity/mfa/method/okta/${ids["duo"]}`)).status, 400);
  assert.equal((await request("DELETE", `identity/mfa/method/okta/${ids["duo"]}`)).status, 400);
  for (const type of ["duo", "okta", "pingid"]) {
    assert.equal((await request("DELETE", `identity/mfa/method/${type}/${ids[type]}`)).status, 204);
    assert.equal((await request("GET", `identity/mfa/method/${type}/${ids[type]}`)).status, 404);
  }
});
