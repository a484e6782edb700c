import assert from "node:assert/strict";
import { test } from "node:test";
import { authenticator, wrongCode } from "./mfa-testing.js";
import { createIdentityHarness } from "./testing.js";

/** bob may use kv/guarded/* with a code of `phone`, and kv/both with one of `key` too. */
async function guarded() {
  const harness = await createIdentityHarness();
  const { request, mount, login, clock } = harness;
  await mount("kv", "kv");
  for (const name of ["phone", "key"]) assert.equal((await request("POST", `sys/mfa/method/totp/${name}`, { issuer: "Coffer" })).status, 204);
  const rule = (path: string, methods: string[]) => `path "${path}" {\n  capabilities = ["create", "read", "update", "delete"]\n  mfa_methods = ${JSON.stringify(methods)}\n}\n`;
  const policy = rule("kv/guarded/*", ["phone"]) + rule("kv/both", ["phone", "key"]) + rule("kv/lost", ["gone"]) + rule("sys/mfa/validate", ["phone"]) + rule("sys/unseal", ["phone"]) + 'path "kv/open" { capabilities = ["create", "update"] }\npath "sys/mfa/method/totp/+/generate" { capabilities = ["read"] }';
  await request("POST", "sys/policies/acl/ops", { policy });
  const { client_token: token, entity_id } = (await login("bob")).body["auth"];
  await request("POST", `identity/entity/id/${entity_id}`, { policies: ["ops"] });
  const codes = new Map<string, (nowMs: number) => string>();
  for (const name of ["phone", "key"]) codes.set(name, authenticator((await request("GET", `sys/mfa/method/totp/${name}/generate`, undefined, { token })).body["data"].url));
  const code = (name = "phone") => codes.get(name)!(clock.now());
  const write = (path: string, mfa?: string, body: Readonly<Record<string, unknown>> = { a: 1 }) => request("POST", path, body, { token, headers: mfa === undefined ? {} : { "x-vault-mfa": mfa } });
  return { ...harness, token, entityId: entity_id as string, code, write };
}

test("a path with mfa_methods is open to a good code of each of them, and to nothing else", async () => {
  const { write, code, request, clock, token } = await guarded();
  assert.equal((await write("kv/open")).status, 204);
  const bare = await write("kv/guarded/a");
  assert.deepEqual([bare.status, bare.body.errors], [403, ['2 errors occurred:\n\t* permission denied\n\t* MFA method "phone": MFA credentials not supplied or incorrect\n\n']]);
  for (const mfa of ["phone", `phone:${wrongCode(code())}`, `other:${code()}`, "phone:passcode=", `phone:${code()}\nphone:123456`]) assert.equal((await write("kv/guarded/a", mfa)).status, 403, mfa);
  assert.equal((await request("GET", "kv/guarded/a")).status, 404, "nothing was written");
  assert.equal((await write("kv/guarded/a", `phone:${code()}`)).status, 204);
  clock.advance(30);
  assert.equal((await request("GET", "kv/guarded/a", undefined, { token, headers: { "x-vault-mfa": `phone:passcode=${code()}` } })).status, 200);
  clock.advance(30);
  assert.equal((await write("kv/both", `phone:${code()}`)).status, 403);
  assert.equal((await write("kv/both", `phone:${code()}\nkey:${wrongCode(code("key"))}`)).status, 403);
  clock.advance(30);
  assert.equal((await write("kv/both", `phone:${code()}\nkey:${code("key")}`)).status, 204);
  const lost = await write("kv/lost", `gone:${code()}`);
  assert.match(lost.body.errors![0]!, /MFA method "gone" is not configured/);
});

test("a code is good for one request, also where that fails, and for one of two at once", async () => {
  const { write, code, clock } = await guarded();
  const both = await Promise.all([write("kv/guarded/a", `phone:${code()}`), write("kv/guarded/b", `phone:${code()}`)]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [204, 403]);
  clock.advance(30);
  const mfa = `phone:${code()}`;
  assert.equal((await write("sys/mfa/validate", mfa, { mfa_request_id: "x", mfa_payload: {} })).status, 400, "the request was let in, and failed");
  assert.equal((await write("kv/guarded/a", mfa)).status, 403);
});

test("after too many wrong codes none is looked at for a while", async () => {
  const { write, code, clock } = await guarded();
  for (let i = 0; i < 5; i++) assert.match((await write("kv/guarded/a", `phone:${wrongCode(code())}`)).body.errors![0]!, /not supplied or incorrect/);
  assert.match((await write("kv/guarded/a", `phone:${code()}`)).body.errors![0]!, /maximum TOTP validation attempts 6 exceeded the allowed attempts 5\. Please try again in 32 seconds/);
  clock.advance(32);
  assert.equal((await write("kv/guarded/a", `phone:${code()}`)).status, 204);
});

test("guesses by a token of limited uses cost it uses", async () => {
  const { request, code, token } = await guarded();
  await request("POST", "sys/policies/acl/maker", { policy: 'path "auth/token/create" { capabilities = ["update"] }' });
  const entity = (await request("GET", "auth/token/lookup-self", undefined, { token })).body["data"].entity_id;
  await request("POST", `identity/entity/id/${entity}`, { policies: ["ops", "maker"] });
  const limited = (await request("POST", "auth/token/create", { num_uses: 2 }, { token })).body["auth"].client_token as string;
  const guess = (mfa: string) => request("POST", "kv/guarded/a", { a: 1 }, { token: limited, headers: { "x-vault-mfa": mfa } });
  for (let i = 0; i < 2; i++) assert.match((await guess(`phone:${wrongCode(code())}`)).body.errors![0]!, /MFA method/);
  assert.match((await guess(`phone:${code()}`)).body.errors![0]!, /invalid token/);
});

test("a token without an entity cannot step up; root need not", async () => {
  const { request, tokenWith, code } = await guarded();
  const token = await tokenWith('path "kv/guarded/*" {\n capabilities = ["create", "update"]\n mfa_methods = ["phone"]\n}');
  const refused = await request("POST", "kv/guarded/a", { a: 1 }, { token, headers: { "x-vault-mfa": `phone:${code()}` } });
  assert.match(refused.body.errors![0]!, /needs a token with an entity/);
  assert.equal((await request("POST", "kv/guarded/a", { a: 1 })).status, 204);
});

test("whoever comes with a token to an open path of sys/ has to show what its policies demand there", async () => {
  const { request, write, code, clock, token } = await guarded();
  const body = { mfa_request_id: "x", mfa_payload: {} };
  assert.equal((await write("sys/mfa/validate", undefined, body)).status, 403);
  assert.equal((await write("sys/mfa/validate", `phone:${code()}`, body)).status, 400);
  assert.equal((await request("POST", "sys/mfa/validate", body, { token: "" })).status, 400);
  // This one answers on a sealed node too, and so is handled apart.
  clock.advance(30);
  const mfa = `phone:${code()}`;
  assert.match((await write("sys/unseal", undefined, { key: "" })).body.errors![0]!, /MFA method "phone"/);
  assert.doesNotMatch((await write("sys/unseal", mfa, { key: "" })).body.errors![0]!, /MFA/);
  assert.match((await write("sys/unseal", mfa, { key: "" })).body.errors![0]!, /MFA method "phone"/, "used up");
  assert.doesNotMatch((await request("POST", "sys/unseal", { key: "" }, { token: "" })).body.errors![0]!, /MFA/);
  assert.equal((await request("GET", "sys/seal-status", undefined, { token })).status, 200);
});

test("methods are created, read, changed, listed and deleted with their secrets", async () => {
  const { request, entityId, store, write, code, token } = await guarded();
  const read = (await request("GET", "sys/mfa/method/totp/phone")).body["data"];
  const { id, ...rest } = read;
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.deepEqual(rest, { algorithm: "SHA1", digits: 6, issuer: "Coffer", key_size: 20, max_validation_attempts: 5, name: "phone", namespace_id: "root", namespace_path: "", period: 30, qr_size: 200, skew: 1, type: "totp" });
  assert.deepEqual((await request("LIST", "sys/mfa/method/totp")).body["data"].keys, ["key", "phone"]);
  assert.deepEqual((await request("LIST", "sys/mfa/method")).body["data"].keys, ["key", "phone"]);
  assert.equal((await request("POST", "sys/mfa/method/totp/phone", { digits: 8 })).status, 204);
  assert.equal((await write("kv/guarded/a", `phone:${code()}`)).status, 204, "an authenticator goes on as it was set up");
  assert.match((await request("GET", "sys/mfa/method/totp/phone/generate", undefined, { token })).body.warnings![0]!, /already has a secret/);
  assert.equal((await request("POST", "sys/mfa/method/totp/phone/admin-destroy", { entity_id: entityId })).status, 204);
  const url = (await request("POST", "sys/mfa/method/totp/phone/admin-generate", { entity_id: entityId })).body["data"].url as string;
  assert.match(url, /digits=8/);
  assert.equal((await request("POST", "sys/mfa/method/totp/nope/admin-generate", { entity_id: entityId })).status, 400);
  assert.equal((await request("POST", "sys/mfa/method/totp/x", { issuer: "a:b" })).status, 400);
  assert.deepEqual((await request("POST", "sys/mfa/method/okta/x", { api_token: "t" })).body.errors, ["org_name must be set"]);
  for (const name of ["phone", "key"]) await request("DELETE", `sys/mfa/method/totp/${name}`);
  assert.deepEqual((await store.evaluate((tx) => tx.keys("core/mfa/"))).value, []);
  assert.match((await write("kv/guarded/a", `phone:${code()}`)).body.errors![0]!, /is not configured/, "closed, not open, without its method");
});
