import assert from "node:assert/strict";
import { test } from "node:test";
import { authenticator, wrongCode } from "./mfa-testing.js";
import { createIdentityHarness } from "./testing.js";

const NAME = "phone";

/** bob has an authenticator; logins by auth/login need it. */
async function guarded(method: Readonly<Record<string, unknown>> = {}) {
  const harness = await createIdentityHarness();
  const { request, made, entityOf, login, clock } = harness;
  await login("bob");
  const { id: entity_id } = await entityOf("bob");
  const { method_id } = await made("identity/mfa/method/totp", { issuer: "Coffer", method_name: NAME, ...method });
  const { url } = await made("identity/mfa/method/totp/admin-generate", { method_id, entity_id });
  const enforce = (body: Readonly<Record<string, unknown>>) => request("POST", "identity/mfa/login-enforcement/people", { mfa_method_ids: [method_id], ...body });
  assert.equal((await enforce({ auth_method_types: ["login"] })).status, 204);
  const generate = authenticator(url);
  return {
    ...harness, enforce, entityId: entity_id as string, methodId: method_id as string, code: () => generate(clock.now()),
    validate: (mfa_request_id: string, code: string, by = method_id as string) => request("POST", "sys/mfa/validate", { mfa_request_id, mfa_payload: { [by]: [code] } }, { token: "" }),
    pending: async () => (await login("bob")).body["auth"].mfa_requirement.mfa_request_id as string,
  };
}

test("a login in two phases grants nothing before its second factor, and then what it would have", async () => {
  const { login, validate, code, methodId, entityId, request, store } = await guarded();
  const tokens = async () => (await store.evaluate((tx) => tx.keys("core/token/id/"))).value.length;
  const before = await tokens();
  const first = await login("bob");
  assert.equal(first.status, 200);
  const { mfa_requirement, ...rest } = first.body["auth"];
  assert.deepEqual(rest, { client_token: "", accessor: "", policies: null, metadata: null, lease_duration: 0, renewable: false, entity_id: "", token_type: "default", orphan: false, num_uses: 0 });
  assert.deepEqual(mfa_requirement.mfa_constraints, { people: { any: [{ type: "totp", id: methodId, uses_passcode: true, name: NAME }] } });
  assert.equal(await tokens(), before);

  const done = await validate(mfa_requirement.mfa_request_id, code());
  assert.equal(done.status, 200);
  const auth = done.body["auth"];
  assert.deepEqual([auth.entity_id, auth.metadata, auth.lease_duration, auth.mfa_requirement], [entityId, { name: "bob" }, 3600, null]);
  assert.equal((await request("GET", "auth/token/lookup-self", undefined, { token: auth.client_token })).body["data"].display_name, "login-bob");
  assert.deepEqual((await validate(mfa_requirement.mfa_request_id, code())).body.errors, ["invalid request ID"]);
});

test("a login in one phase brings its code along, by the method's name or id", async () => {
  const { login, code, methodId, clock } = await guarded();
  assert.equal((await login("bob", {}, { "x-vault-mfa": `${NAME}:${code()}` })).body["auth"].lease_duration, 3600);
  clock.advance(30);
  assert.equal((await login("bob", {}, { "x-vault-mfa": `other:1\n${methodId}:passcode=${code()}` })).status, 200);
  clock.advance(30);
  for (const header of [`${NAME}:${wrongCode(code())}`, "other:123456", NAME, `${NAME}:1\n${NAME}:2`]) {
    const refused = await login("bob", {}, { "x-vault-mfa": header });
    assert.deepEqual([refused.status, refused.body.errors, refused.body["auth"]], [403, ["permission denied"], undefined], header);
  }
  assert.equal((await login("bob", {}, { "x-vault-mfa": `${NAME}:` })).status, 400);
});

test("a code is good once, whichever login it is for, also for two at once", async () => {
  const { pending, validate, code, clock, login } = await guarded();
  const [one, two] = [await pending(), await pending()];
  const both = await Promise.all([validate(one, code()), validate(two, code())]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 403]);
  assert.match(both.find(({ status }) => status === 403)!.body.errors![0]!, /MFA credentials not supplied or incorrect/);
  assert.equal((await login("bob", {}, { "x-vault-mfa": `${NAME}:${code()}` })).status, 403);
  clock.advance(30);
  const left = both[0].status === 200 ? two : one;
  assert.equal((await validate(left, code())).status, 200, "the login was still waiting");
});

test("an earlier code is no good after a later one; outside of the skew none is", async () => {
  const { pending, validate, code, clock } = await guarded();
  const early = code();
  clock.advance(30);
  assert.equal((await validate(await pending(), code())).status, 200);
  assert.equal((await validate(await pending(), early)).status, 403);
  clock.advance(30);
  const old = code();
  clock.advance(60);
  assert.equal((await validate(await pending(), old)).status, 403);
});

test("guesses are counted one by one, however many come at once, and then even the right one is not looked at", async () => {
  const { pending, validate, code, clock } = await guarded();
  const id = await pending();
  const answers = await Promise.all([...Array.from({ length: 7 }, () => validate(id, wrongCode(code()))), validate(id, code())]);
  const looked = answers.filter(({ body }) => body.errors?.[0]?.includes("not supplied or incorrect"));
  assert.ok(looked.length <= 5, "no more than five are looked at");
  assert.equal(answers.filter(({ body }) => body.errors?.[0]?.includes("maximum TOTP validation attempts 6 exceeded the allowed attempts 5. Please try again in")).length + looked.length + answers.filter(({ status }) => status === 200).length, 8);
  const next = await pending();
  for (let i = 0; i < 5; i++) await validate(next, wrongCode(code()));
  assert.match((await validate(next, code())).body.errors![0]!, /maximum TOTP validation attempts/);
  clock.advance(32);
  assert.equal((await validate(next, code())).status, 200);
});

test("a login waits for five minutes, and leaves nothing behind", async () => {
  const { pending, validate, code, clock, doDueWork, store } = await guarded();
  const id = await pending();
  clock.advance(299);
  assert.equal((await validate(id, wrongCode(code()))).status, 403);
  clock.advance(1);
  assert.deepEqual((await validate(id, code())).body.errors, ["invalid request ID"]);
  await doDueWork();
  assert.deepEqual((await store.evaluate((tx) => tx.keys("core/mfa/pending/"))).value, []);
  assert.deepEqual((await store.evaluate((tx) => tx.keys("core/expire/"))).value.filter((key) => key.includes("/login/")), []);
});

test("an enforcement is about mounts, types of them, entities, or groups and what is in them", async () => {
  const { login, made, enforce, entityId, accessor, request } = await guarded();
  const inner = await made("identity/group", { name: "inner", member_entity_ids: [entityId] });
  const outer = await made("identity/group", { name: "outer", member_group_ids: [inner["id"]] });
  const waits = async (name: string) => (await login(name)).body["auth"].mfa_requirement !== null;
  const none = { auth_method_types: [], auth_method_accessors: [], identity_group_ids: [], identity_entity_ids: [] };
  await enforce({ ...none, auth_method_accessors: [accessor] });
  assert.deepEqual([await waits("bob"), await waits("eve")], [true, true]);
  await enforce({ ...none, identity_entity_ids: [entityId] });
  assert.deepEqual([await waits("bob"), await waits("eve")], [true, false]);
  await enforce({ ...none, identity_group_ids: [outer["id"]] });
  assert.deepEqual([await waits("bob"), await waits("eve")], [true, false]);
  await request("DELETE", "identity/mfa/login-enforcement/people");
  assert.deepEqual([await waits("bob"), await waits("eve")], [false, false]);
});

test("whoever has no secret, no entity or a disabled one does not get in", async () => {
  const { login, pending, validate, code, entityId, request, mount } = await guarded();
  const eve = (await login("eve")).body["auth"].mfa_requirement.mfa_request_id as string;
  assert.match((await validate(eve, code())).body.errors![0]!, /MFA secret for method name "phone" not present in entity/);
  const id = await pending();
  await request("POST", `identity/entity/id/${entityId}`, { disabled: true });
  assert.equal((await validate(id, code())).status, 403);
  await request("POST", `identity/entity/id/${entityId}`, { disabled: false });
  await request("DELETE", "sys/auth/login");
  assert.deepEqual((await validate(id, code())).body.errors, ["invalid request ID"]);
  await mount("auth/login", "login");
  assert.deepEqual((await validate(id, code())).body.errors, ["invalid request ID"]);
});

test("two enforcements want a method each; one code serves both where they share it", async () => {
  const { request, made, login, validate, code, entityId, methodId, clock } = await guarded();
  await request("POST", "identity/mfa/login-enforcement/also", { mfa_method_ids: [methodId], identity_entity_ids: [entityId] });
  const shared = (await login("bob")).body["auth"].mfa_requirement;
  assert.deepEqual(Object.keys(shared.mfa_constraints), ["also", "people"]);
  assert.equal((await validate(shared.mfa_request_id, code())).status, 200);
  clock.advance(30);
  const second = await made("identity/mfa/method/totp", { issuer: "Coffer" });
  const { url } = await made("identity/mfa/method/totp/admin-generate", { method_id: second["method_id"], entity_id: entityId });
  await request("POST", "identity/mfa/login-enforcement/also", { mfa_method_ids: [second["method_id"]] });
  const waiting = (await login("bob")).body["auth"].mfa_requirement.mfa_request_id as string;
  assert.match((await validate(waiting, code())).body.errors![0]!, /^failed to satisfy enforcement also/);
  const mfa_payload = { [methodId]: code(), [second["method_id"]]: [`passcode=${authenticator(url)(clock.now())}`] };
  assert.equal((await request("POST", "sys/mfa/validate", { mfa_request_id: waiting, mfa_payload }, { token: "" })).status, 200);
});

test("a login that waits for its second factor counts under the quota of its role when it gets its token", async () => {
  const { request, made, mount, enforce, clock } = await guarded();
  await mount("auth/apps", "approle");
  await request("POST", "auth/apps/role/ci", { role_id: "ci", bind_secret_id: false, secret_id_bound_cidrs: "127.0.0.0/8" });
  const login = () => request("POST", "auth/apps/login", { role_id: "ci" }, { token: "" });
  const { entity_id } = (await login()).body["auth"] as { entity_id: string };
  const { method_id } = await made("identity/mfa/method/totp", { issuer: "Coffer", method_name: "of-apps" });
  const { url } = await made("identity/mfa/method/totp/admin-generate", { method_id, entity_id });
  assert.equal((await enforce({ mfa_method_ids: [method_id], auth_method_types: ["approle"] })).status, 204);
  const waiting = (await login()).body["auth"].mfa_requirement.mfa_request_id as string;
  // It comes while the login waits, and counts the one from before it.
  assert.equal((await request("POST", "sys/quotas/lease-count/ci", { path: "auth/apps", role: "ci", max_leases: 2 })).status, 204);
  const counted = async () => (await request("GET", "sys/quotas/lease-count/ci")).body["data"].counter as number;
  const validate = async (id: string) => (await request("POST", "sys/mfa/validate", { mfa_request_id: id, mfa_payload: { [method_id as string]: [authenticator(url as string)(clock.now())] } }, { token: "" })).status;
  assert.deepEqual([await counted(), await validate(waiting), await counted()], [1, 200, 2]);
  clock.advance(60);
  const next = (await login()).body["auth"].mfa_requirement.mfa_request_id as string;
  assert.deepEqual([await validate(next), await counted()], [429, 2]);
});

test("methods are created, read, changed, listed and deleted", async () => {
  const { request, made, methodId, entityId } = await guarded({ algorithm: "SHA256", digits: 8 });
  const read = (await request("GET", `identity/mfa/method/totp/${methodId}`)).body["data"];
  assert.deepEqual(read, { algorithm: "SHA256", digits: 8, id: methodId, issuer: "Coffer", key_size: 20, max_validation_attempts: 5, name: NAME, namespace_id: "root", namespace_path: "", period: 30, qr_size: 200, skew: 1, type: "totp" });
  assert.deepEqual((await request("GET", `identity/mfa/method/${methodId}`)).body["data"], read);
  assert.deepEqual(await made("identity/mfa/method/totp", { method_name: NAME, skew: 0 }), { method_id: methodId }, "a name is one method's");
  assert.equal((await request("POST", `identity/mfa/method/totp/${methodId}`, { period: "1m", method_name: "mobile" })).status, 204);
  const list = (await request("LIST", "identity/mfa/method")).body["data"];
  assert.deepEqual([list.keys, list.key_info[methodId].period, list.key_info[methodId].skew, list.key_info[methodId].name], [[methodId], 60, 0, "mobile"]);
  const again = await request("POST", "identity/mfa/method/totp/admin-generate", { method_id: methodId, entity_id: entityId });
  assert.deepEqual([again.body["data"], again.body.warnings], [null, ['Entity already has a secret for MFA method "mobile"']]);
  assert.match((await request("DELETE", `identity/mfa/method/totp/${methodId}`)).body.errors![0]!, /still used by an enforcement/);
  await request("DELETE", "identity/mfa/login-enforcement/people");
  assert.equal((await request("POST", "identity/mfa/method/totp/admin-destroy", { method_id: methodId, entity_id: entityId })).status, 204);
  const qr = (await made("identity/mfa/method/totp/admin-generate", { method_id: methodId, entity_id: entityId }))["barcode"] as string;
  assert.equal(Buffer.from(qr, "base64").subarray(1, 4).toString(), "PNG");
  assert.equal((await request("DELETE", `identity/mfa/method/totp/${methodId}`)).status, 204);
  assert.equal((await request("LIST", "identity/mfa/method")).status, 404);
});

test("whoever has logged in makes their own secret", async () => {
  const { request, made, login, clock, store } = await createIdentityHarness();
  await request("POST", "sys/policies/acl/self", { policy: 'path "identity/mfa/method/totp/generate" { capabilities = ["update"] }' });
  const { client_token: token, entity_id } = (await login("bob")).body["auth"];
  await request("POST", `identity/entity/id/${entity_id}`, { policies: ["self"] });
  const { method_id } = await made("identity/mfa/method/totp", { issuer: "Coffer", qr_size: 0 });
  const answer = await request("POST", "identity/mfa/method/totp/generate", { method_id }, { token });
  assert.equal(answer.body["data"].barcode, "");
  assert.match(authenticator(answer.body["data"].url)(clock.now()), /^\d{6}$/);
  assert.deepEqual((await request("POST", "identity/mfa/method/totp/generate", { method_id })).body.errors, ["missing entityID"]);
  await request("DELETE", `identity/entity/id/${entity_id}`);
  assert.deepEqual((await store.evaluate((tx) => tx.keys("core/mfa/secret/"))).value, []);
});

test("what a method or an enforcement may not be is refused", async () => {
  const { request, made } = await createIdentityHarness();
  const refused = async (path: string, body: Record<string, unknown>) => {
    const { status, body: answer } = await request("POST", path, body);
    assert.equal(status, 400);
    return answer.errors![0];
  };
  const method = (body: Record<string, unknown>) => refused("identity/mfa/method/totp", { issuer: "I", ...body });
  assert.equal(await method({ issuer: "" }), "issuer must be set");
  assert.equal(await method({ digits: 7 }), "digits can only be 6 or 8");
  assert.equal(await method({ algorithm: "MD5" }), "unrecognized algorithm");
  assert.equal(await method({ skew: 2 }), "skew must be 0 or 1");
  assert.equal(await method({ period: 0 }), "period must be greater than zero");
  assert.equal(await method({ key_size: 0 }), "key_size must be greater than zero");
  assert.equal(await method({ max_validation_attempts: -1 }), "max_validation_attempts must be greater than zero");
  assert.match((await method({ qr_size: 1e9 }))!, /qr_size must be between/);
  assert.equal((await request("LIST", "identity/mfa/method")).status, 404);
  assert.deepEqual((await request("POST", "identity/mfa/method/duo", { secret_key: "x" })).body.errors, ["integration_key is empty"]);

  const { method_id } = await made("identity/mfa/method/totp", { issuer: "I" });
  const enforcement = (body: Record<string, unknown>) => refused("identity/mfa/login-enforcement/e", { mfa_method_ids: [method_id], ...body });
  assert.equal(await enforcement({ mfa_method_ids: [] }), "missing method ids");
  assert.equal(await enforcement({ mfa_method_ids: ["nope"], auth_method_types: ["login"] }), "one of the provided method ids doesn't exist");
  assert.match((await enforcement({}))!, /^One of auth_method_accessors/);
  assert.equal(await enforcement({ auth_method_types: ["nope"] }), "one of the auth method types provided is invalid");
  assert.equal(await enforcement({ auth_method_accessors: ["nope"] }), "one of the auth method accessors provided is invalid");
  assert.equal(await enforcement({ identity_group_ids: ["nope"] }), "one of the provided group ids doesn't exist");
  assert.equal(await enforcement({ identity_entity_ids: ["nope"] }), "one of the provided entity ids doesn't exist");
  assert.equal((await request("LIST", "identity/mfa/login-enforcement")).status, 404);
  assert.equal(await refused("sys/mfa/validate", {}), "missing request ID");
  assert.equal(await refused("sys/mfa/validate", { mfa_request_id: "x" }), "missing mfa payload");
  assert.equal(await refused("sys/mfa/validate", { mfa_request_id: "x", mfa_payload: { a: [1] } }), "invalid mfa payload");
  assert.equal(await refused("sys/mfa/validate", { mfa_request_id: "x", mfa_payload: { a: ["1"] } }), "invalid request ID");
  assert.equal(await refused("identity/mfa/method/totp/admin-generate", { method_id: "nope", entity_id: "x" }), 'configuration for method ID "nope" does not exist');
  assert.equal(await refused("identity/mfa/method/totp/admin-generate", { method_id, entity_id: "nope" }), "invalid entity ID");
});
