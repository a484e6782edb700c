import assert from "node:assert/strict";
import { test } from "node:test";
import { parsed, prepared, PROVIDER, refused } from "./testing.js";
import type { Values } from "./testing.js";

async function withAccess() {
  const all = await prepared();
  const accessFor = async (scope = "openid profile groups") => (parsed(await all.redeem(await all.codeFor({ scope }))) as Values)["access_token"]!;
  return { ...all, accessFor };
}
const NOT_GOOD = [401, "invalid_token", "access token is malformed, invalid or expired"];

test("claims are those of the scopes that were asked for, as they are now", async () => {
  const { request, accessFor, userInfo, entityId } = await withAccess();
  const access = await accessFor("openid profile");
  assert.deepEqual(parsed(await userInfo(access)), { sub: entityId, name: "bob", mail: "bob@example.org" });
  await request("POST", `identity/entity/id/${entityId}`, { name: "robert" });
  assert.equal(parsed(await userInfo(access))["name"], "robert");
  assert.deepEqual(parsed(await userInfo(await accessFor("openid"))), { sub: entityId });
  await request("POST", PROVIDER, { scopes_supported: "groups" });
  assert.deepEqual(parsed(await userInfo(access)), { sub: entityId });
  assert.equal((await request("POST", `${PROVIDER}/userinfo`, {}, { token: access })).body["sub"], entityId);
});

test("an access token may do nothing else, whatever its user may", async () => {
  const { request, accessFor, entityId, userInfo } = await withAccess();
  await request("POST", "sys/policies/acl/everything", { policy: 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }' });
  await request("POST", `identity/entity/id/${entityId}`, { policies: ["people", "everything"] });
  const access = await accessFor();
  for (const path of ["auth/token/lookup-self", "sys/mounts", `identity/entity/id/${entityId}`, `${PROVIDER}`]) assert.equal((await request("GET", path, undefined, { token: access })).status, 403, path);
  assert.equal((await request("POST", "auth/token/create", {}, { token: access })).status, 403);
  assert.equal((await userInfo(access)).status, 200);
});

test("no other token is an access token, though it says so, and none is after its time", async () => {
  const { request, accessFor, userInfo, token, id, entityId, clock } = await withAccess();
  const answer = await userInfo("");
  assert.deepEqual(refused(answer), [401, "invalid_token", "access token must be sent as a Bearer token"]);
  assert.equal(answer.headers["WWW-Authenticate"], 'Bearer error="invalid_token",error_description="access token must be sent as a Bearer token"');
  assert.deepEqual(refused(await userInfo(token)), NOT_GOOD);
  assert.deepEqual(refused(await userInfo("hvb.nonsense")), NOT_GOOD);
  const meta = { oidc_token_type: "access token", client_id: id, entity_id: entityId, scopes: "profile" };
  const forged = (await request("POST", "auth/token/create", { type: "batch", policies: ["people"], meta })).body["auth"].client_token as string;
  assert.deepEqual(refused(await userInfo(forged)), NOT_GOOD);
  const access = await accessFor();
  assert.deepEqual(refused(await userInfo(access, "identity/oidc/provider/default")), NOT_GOOD);
  assert.deepEqual(refused(await userInfo(access, "identity/oidc/provider/nope")), [400, "invalid_request", "provider not found"]);
  clock.advance(86_401);
  assert.deepEqual(refused(await userInfo(access)), NOT_GOOD);
});

test("what has changed since counts: clients, assignments, entities, conflicting scopes", async () => {
  const { request, accessFor, userInfo, id, entityId, groupId } = await withAccess();
  const access = await accessFor();
  const says = async (description: string) => assert.deepEqual(refused(await userInfo(access)), [403, "access_denied", description]);
  await request("POST", PROVIDER, { allowed_client_ids: "somebody-else" });
  await says("client is not authorized to use the provider");
  await request("POST", PROVIDER, { allowed_client_ids: id });
  await request("POST", `identity/group/id/${groupId}`, { member_entity_ids: [] });
  await says("identity entity not authorized by client assignment");
  await request("POST", `identity/group/id/${groupId}`, { member_entity_ids: [entityId] });
  await request("POST", "identity/oidc/scope/groups", { template: '{"name": "other"}' });
  const conflict = await userInfo(access);
  assert.deepEqual(refused(conflict), [400, "invalid_request", 'found scopes with conflicting top-level claim: claim "name" in scopes "profile", "groups"']);
  await request("DELETE", `identity/entity/id/${entityId}`);
  await says("identity entity associated with the request not found");
  await request("DELETE", "identity/oidc/client/web");
  await says("client not found");
});
