import assert from "node:assert/strict";
import { test } from "node:test";
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import type { JSONWebKeySet } from "jose";
import { createIdentityHarness } from "./testing.js";

const ISSUER = "https://vault.test:8200/v1/identity/oidc";

/** bob may get tokens by any role. */
async function prepared() {
  const harness = await createIdentityHarness();
  const { request, login, clock } = harness;
  await request("POST", "sys/policies/acl/tokens", { policy: 'path "identity/oidc/token/*" { capabilities = ["read"] }' });
  const { client_token: token, entity_id } = (await login("bob")).body["auth"];
  await request("POST", `identity/entity/id/${entity_id}`, { name: "bob", policies: ["tokens"], metadata: { team: "red" } });
  return {
    ...harness, token, entityId: entity_id as string,
    tokenBy: async (role: string) => (await request("GET", `identity/oidc/token/${role}`, undefined, { token })).body["data"].token as string,
    published: async () => (await request("GET", "identity/oidc/.well-known/keys", undefined, { token: "" })).body as unknown as JSONWebKeySet,
    now: () => Math.floor(clock.now() / 1000),
    introspect: async (jwt: string, more = {}) => (await request("POST", "identity/oidc/introspect", { token: jwt, ...more })).body,
  };
}

test("an identity token says who its bearer is, and anybody can check it by the published keys, for each algorithm", async () => {
  const { request, tokenBy, published, entityId, clock, now, introspect } = await prepared();
  for (const algorithm of ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA"]) {
    assert.equal((await request("POST", `identity/oidc/key/${algorithm}`, { algorithm, allowed_client_ids: "app" })).status, 204);
    assert.equal((await request("POST", `identity/oidc/role/${algorithm}`, { key: algorithm, client_id: "app", ttl: "1h" })).status, 204);
    const jwt = await tokenBy(algorithm);
    const keys = await published();
    const { payload, protectedHeader } = await jwtVerify(jwt, createLocalJWKSet(keys), { issuer: ISSUER, audience: "app", currentDate: new Date(clock.now()) });
    assert.equal(protectedHeader.alg, algorithm);
    assert.deepEqual(payload, { iss: ISSUER, sub: entityId, aud: "app", iat: now(), exp: now() + 3600, namespace: "root" });
    assert.deepEqual(await introspect(jwt, { client_id: "app" }), { active: true });
    for (const key of keys.keys) for (const member of ["d", "p", "q", "k"]) assert.ok(!(member in key), "only public halves are published");
  }
  const configuration = await request("GET", "identity/oidc/.well-known/openid-configuration", undefined, { token: "" });
  assert.deepEqual([configuration.body["issuer"], configuration.body["jwks_uri"]], [ISSUER, `${ISSUER}/.well-known/keys`]);
});

test("a token is not good for another client, when it is over, changed, or of an entity that is gone or disabled", async () => {
  const { request, tokenBy, introspect, clock, entityId } = await prepared();
  await request("POST", "identity/oidc/role/r", { key: "default", ttl: 60 });
  const jwt = await tokenBy("r");
  assert.deepEqual(await introspect(jwt), { active: true });
  const isActive = async (text: string, more = {}) => (await introspect(text, more))["active"] as boolean;
  assert.equal(await isActive(jwt, { client_id: "other" }), false);
  assert.equal(await isActive("nonsense"), false);
  const [head, body, signature] = jwt.split(".");
  const forged = Buffer.from(JSON.stringify({ ...decodeJwt(jwt), sub: "somebody" })).toString("base64url");
  assert.equal(await isActive(`${head}.${forged}.${signature}`), false);
  assert.equal(await isActive(`${Buffer.from('{"alg":"none"}').toString("base64url")}.${body}.`), false);
  await request("POST", `identity/entity/id/${entityId}`, { disabled: true });
  assert.deepEqual(await introspect(jwt), { active: false, error: "entity is disabled" });
  await request("POST", `identity/entity/id/${entityId}`, { disabled: false });
  clock.advance(61);
  assert.equal(await isActive(jwt), false);
  clock.advance(-61);
  await request("DELETE", `identity/entity/id/${entityId}`);
  assert.deepEqual(await introspect(jwt), { active: false, error: "entity was not found" });
});

test("keys rotate by time and by hand, are published before they sign and for a while after", async () => {
  const { request, tokenBy, published, introspect, clock } = await prepared();
  await request("POST", "identity/oidc/key/k", { algorithm: "ES256", rotation_period: "30m", verification_ttl: "1h", allowed_client_ids: "*" });
  await request("POST", "identity/oidc/role/r", { key: "k", ttl: "1h" });
  const kid = (jwt: string) => decodeProtectedHeader(jwt).kid;
  const kids = async () => (await published()).keys.map((key) => key.kid);
  const first = await tokenBy("r");
  const [signing, next] = await kids();
  assert.equal(kid(first), signing);
  clock.advance(1800);
  const second = await tokenBy("r");
  assert.equal(kid(second), next);
  assert.deepEqual((await introspect(first))["active"], true);
  assert.equal((await kids()).length, 3);
  assert.equal((await request("POST", "identity/oidc/key/k/rotate", { verification_ttl: "10s" })).status, 204);
  assert.notEqual(kid(await tokenBy("r")), next);
  assert.equal((await introspect(second))["active"], true);
  clock.advance(10);
  assert.equal((await introspect(second))["active"], false, "its key is no longer published");
  assert.ok((await kids()).includes(signing));
  clock.advance(7200);
  assert.ok(!(await kids()).includes(signing));
});

test("claims of a template are filled from the identity, and cannot replace what a token says anyway", async () => {
  const { request, made, tokenBy, entityId, accessor, now } = await prepared();
  const group = await made("identity/group", { name: "staff", member_entity_ids: [entityId] });
  const template = `{"name": {{identity.entity.name}}, "groups": {{ identity.entity.groups.names }}, "ids": {{identity.entity.groups.ids}}, "meta": {{identity.entity.metadata}}, "team": {{identity.entity.metadata.team}},
    "none": {{identity.entity.metadata.none}}, "login": {{identity.entity.aliases.${accessor}.name}}, "mine": {"staff": {{identity.groups.names.staff.id}}}, "later": {{time.now.plus.1h}}}`;
  assert.equal((await request("POST", "identity/oidc/role/r", { key: "default", template: Buffer.from(template).toString("base64") })).status, 204);
  assert.equal((await request("GET", "identity/oidc/role/r")).body["data"].template, template);
  const { iss, sub, aud, iat, exp, namespace, ...claims } = decodeJwt(await tokenBy("r"));
  assert.deepEqual([iss, sub, namespace, exp! - iat!], [ISSUER, entityId, "root", 86_400]);
  assert.match(String(aud), /^[A-Za-z0-9]{26}$/);
  assert.deepEqual(claims, { name: "bob", groups: ["staff"], ids: [group["id"]], meta: { team: "red" }, team: "red", none: "", login: "bob", mine: { staff: group["id"] }, later: now() + 3600 });
});

test("what keys, roles, issuers and tokens may not be is refused", async () => {
  const { request, token, tokenWith } = await prepared();
  const refused = async (path: string, body?: Record<string, unknown>) => {
    const { status, body: answer } = body ? await request("POST", path, body) : await request("DELETE", path);
    assert.equal(status, 400);
    return answer.errors![0];
  };
  assert.equal(await refused("identity/oidc/key/k", { rotation_period: "30s" }), "rotation_period must be at least one minute");
  assert.equal(await refused("identity/oidc/key/k", { rotation_period: "1m", verification_ttl: "11m" }), "verification_ttl cannot be longer than 10x rotation_period");
  assert.equal(await refused("identity/oidc/key/k", { algorithm: "HS256" }), 'unknown signing algorithm "HS256"');
  await request("POST", "identity/oidc/key/k", { algorithm: "ES256", verification_ttl: "1h", rotation_period: "1h" });
  assert.equal(await refused("identity/oidc/role/r", {}), "the key parameter is required");
  assert.equal(await refused("identity/oidc/role/r", { key: "nope" }), 'cannot find key "nope"');
  assert.match((await refused("identity/oidc/role/r", { key: "k", ttl: "2h" }))!, /cannot be longer than the verification_ttl/);
  assert.match((await refused("identity/oidc/role/r", { key: "k", ttl: "1h", template: "{" }))!, /error parsing template JSON/);
  assert.match((await refused("identity/oidc/role/r", { key: "k", ttl: "1h", template: '{"iss": "x"}' }))!, /^top level key "iss" not allowed/);
  assert.match((await refused("identity/oidc/role/r", { key: "k", ttl: "1h", template: '{"a": {{identity.nobody}}}' }))!, /unknown selector/);
  await request("POST", "identity/oidc/role/r", { key: "k", ttl: "1h" });
  assert.match((await refused("identity/oidc/key/k", { verification_ttl: "10m" }))!, /token ttl greater than 600 seconds/);
  assert.match((await refused("identity/oidc/key/k"))!, /currently referenced by these roles: r/);
  assert.match((await refused("identity/oidc/key/default"))!, /not allowed/);
  assert.match((await refused("identity/oidc/key/nope/rotate", {}))!, /no named key found/);
  for (const issuer of ["vault.test", "https://vault.test/path", "ftp://vault.test"]) assert.match((await refused("identity/oidc/config", { issuer }))!, /^invalid issuer/);
  const get = async (role: string, by: string) => (await request("GET", `identity/oidc/token/${role}`, undefined, { token: by })).body.errors![0];
  assert.equal(await get("nope", token), 'role "nope" not found');
  assert.match((await get("r", token))!, /does not list the client ID/);
  assert.equal(await get("r", await tokenWith('path "identity/oidc/token/*" { capabilities = ["read"] }')), "no entity associated with the request's token");
});

test("keys, roles and the issuer are read and listed as they were written", async () => {
  const { request, tokenBy } = await prepared();
  assert.deepEqual((await request("LIST", "identity/oidc/key")).body["data"].keys, ["default"]);
  assert.deepEqual((await request("GET", "identity/oidc/key/default")).body["data"], { algorithm: "RS256", allowed_client_ids: ["*"], rotation_period: 86_400, verification_ttl: 86_400 });
  await request("POST", "identity/oidc/key/k", { algorithm: "ES256", rotation_period: "2h", verification_ttl: 3600, allowed_client_ids: ["a", "b"] });
  assert.deepEqual((await request("GET", "identity/oidc/key/k")).body["data"], { algorithm: "ES256", allowed_client_ids: ["a", "b"], rotation_period: 7200, verification_ttl: 3600 });
  await request("POST", "identity/oidc/role/r", { key: "k", ttl: 60, client_id: "a" });
  assert.deepEqual((await request("GET", "identity/oidc/role/r")).body["data"], { client_id: "a", key: "k", template: "", ttl: 60 });
  assert.deepEqual((await request("LIST", "identity/oidc/role")).body["data"].keys, ["r"]);
  assert.equal((await request("POST", "identity/oidc/config", { issuer: "https://id.test" })).status, 200);
  assert.deepEqual((await request("GET", "identity/oidc/config")).body["data"], { issuer: "https://id.test" });
  assert.equal(decodeJwt(await tokenBy("r")).iss, "https://id.test/v1/identity/oidc");
  await request("DELETE", "identity/oidc/role/r");
  assert.equal((await request("DELETE", "identity/oidc/key/k")).status, 204);
  assert.equal((await request("GET", "identity/oidc/key/k")).status, 404);
});
