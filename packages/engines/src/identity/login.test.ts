import assert from "node:assert/strict";
import { test } from "node:test";
import { createIdentityHarness } from "./testing.js";

test("a login makes its entity once, and the token carries it", async () => {
  const { request, login, entityOf, store } = await createIdentityHarness();
  const first = (await login("bob", { metadata: { mail: "b@x" } })).body["auth"];
  const entity = await entityOf("bob");
  assert.equal(first.entity_id, entity["id"]);
  assert.deepEqual(entity["aliases"][0].metadata, { mail: "b@x" });
  const keys = async () => (await store.evaluate((tx) => tx.keys("core/identity/"))).value.length;
  const before = await keys();
  assert.equal((await login("BOB", { metadata: { mail: "c@x" } })).body["auth"].entity_id, entity["id"]);
  assert.equal(await keys(), before);
  assert.deepEqual((await entityOf("bob"))["aliases"][0].metadata, { mail: "c@x" });
  const self = (await request("GET", "auth/token/lookup-self", undefined, { token: first.client_token })).body["data"];
  assert.deepEqual([self.entity_id, self.identity_policies], [entity["id"], undefined]);
});

test("many logins of somebody new at once make one entity", async () => {
  const { login, request } = await createIdentityHarness();
  const ids = await Promise.all(Array.from({ length: 8 }, async () => (await login("bob")).body["auth"].entity_id as string));
  assert.equal(new Set(ids).size, 1);
  assert.equal((await request("LIST", "identity/entity/id")).body["data"].keys.length, 1);
});

test("policies of the entity and of its groups join the token's, at once and for as long as they are there", async () => {
  const { request, login, made, entityOf } = await createIdentityHarness();
  for (const name of ["own", "direct", "above"]) await request("POST", `sys/policies/acl/${name}`, { policy: `path "cubbyhole/x" { capabilities = ["read"] }\npath "sys/policies/acl/${name}" { capabilities = ["read"] }` });
  const { client_token: token, entity_id: id } = (await login("bob")).body["auth"];
  const may = async (name: string) => (await request("GET", `sys/policies/acl/${name}`, undefined, { token })).status === 200;
  assert.deepEqual([await may("own"), await may("direct"), await may("above")], [false, false, false]);
  await request("POST", `identity/entity/id/${id}`, { policies: ["own"] });
  const group = await made("identity/group", { name: "g", policies: ["direct"], member_entity_ids: [id] });
  await made("identity/group", { name: "top", policies: ["above"], member_group_ids: [group["id"]] });
  assert.deepEqual([await may("own"), await may("direct"), await may("above")], [true, true, true]);
  const self = (await request("GET", "auth/token/lookup-self", undefined, { token })).body["data"];
  assert.deepEqual([self.policies, self.identity_policies], [["default"], ["above", "direct", "own"]]);
  const again = (await login("bob")).body["auth"];
  assert.deepEqual([again.policies, again.token_policies, again.identity_policies], [["above", "default", "direct", "own"], ["default"], ["above", "direct", "own"]]);
  const capabilities = await request("POST", "sys/capabilities-self", { path: "sys/policies/acl/above" }, { token });
  assert.deepEqual(capabilities.body["capabilities"], ["read"]);

  await request("DELETE", "identity/group/name/top");
  assert.deepEqual([await may("own"), await may("direct"), await may("above")], [true, true, false]);
  await made("identity/group", { name: "g", policies: [] });
  await request("POST", "identity/entity/name/" + (await entityOf("bob"))["name"], { policies: [] });
  assert.deepEqual([await may("own"), await may("direct"), await may("above")], [false, false, false]);
});

test("a child token is the same entity's, an orphan nobody's", async () => {
  const { request, login, tokenWith } = await createIdentityHarness();
  const { entity_id: id } = (await login("bob")).body["auth"];
  await request("POST", "sys/policies/acl/maker", { policy: 'path "auth/token/create" { capabilities = ["update"] }' });
  await request("POST", `identity/entity/id/${id}`, { policies: ["maker"] });
  const { client_token: token } = (await login("bob")).body["auth"];
  const child = (await request("POST", "auth/token/create", {}, { token })).body["auth"];
  assert.deepEqual([child.entity_id, child.identity_policies, child.token_policies], [id, ["maker"], ["default"]]);
  await request("POST", "sys/policies/acl/maker", { policy: 'path "auth/token/create*" { capabilities = ["update", "sudo"] }' });
  assert.equal((await request("POST", "auth/token/create-orphan", {}, { token })).body["auth"].entity_id, "");
  assert.equal((await request("GET", "auth/token/lookup-self", undefined, { token: await tokenWith('path "x" { capabilities = ["read"] }') })).body["data"].entity_id, "");
});

test("external groups are those that the login names, of its own mount only", async () => {
  const { request, login, made, mount, accessor } = await createIdentityHarness();
  await mount("auth/other", "login");
  const otherAccessor = (await request("GET", "sys/auth/other")).body["data"].accessor as string;
  const eng = await made("identity/group", { name: "eng", type: "external", policies: ["eng"] });
  const ops = await made("identity/group", { name: "ops", type: "external", policies: ["ops"] });
  const far = await made("identity/group", { name: "far", type: "external", policies: ["far"] });
  await made("identity/group-alias", { name: "engineers", mount_accessor: accessor, canonical_id: eng["id"] });
  await made("identity/group-alias", { name: "operators", mount_accessor: accessor, canonical_id: ops["id"] });
  await made("identity/group-alias", { name: "engineers", mount_accessor: otherAccessor, canonical_id: far["id"] });
  const policiesOf = async (groups: string[]) => (await login("bob", { groups })).body["auth"].identity_policies as string[] | undefined;
  assert.deepEqual(await policiesOf(["engineers", "unknown"]), ["eng"]);
  assert.deepEqual(await policiesOf(["engineers", "operators"]), ["eng", "ops"]);
  const member = (await request("GET", "identity/group/name/ops")).body["data"].member_entity_ids;
  assert.equal(member.length, 1);
  const { id: internal } = await made("identity/group", { name: "in", policies: ["in"], member_entity_ids: member });
  assert.deepEqual(await policiesOf(["operators"]), ["in", "ops"]);
  assert.equal((await request("GET", "identity/group/name/eng")).body["data"].member_entity_ids, null);
  assert.deepEqual(await policiesOf([]), ["in"]);
  assert.deepEqual((await request("GET", `identity/group/id/${internal}`)).body["data"].member_entity_ids, member);
});

test("a disabled entity can do nothing and not log in; a deleted one's tokens can do nothing", async () => {
  const { request, login, tokenOf, entityOf } = await createIdentityHarness();
  const token = await tokenOf("bob");
  const { id } = await entityOf("bob");
  const status = async () => (await request("GET", "auth/token/lookup-self", undefined, { token })).status;
  assert.equal(await status(), 200);
  await request("POST", `identity/entity/id/${id}`, { disabled: true });
  assert.equal(await status(), 403);
  const refused = await login("bob");
  assert.deepEqual([refused.status, refused.body.errors], [403, ["permission denied"]]);
  await request("POST", `identity/entity/id/${id}`, { disabled: false });
  assert.equal(await status(), 200);
  await request("DELETE", `identity/entity/id/${id}`);
  assert.equal(await status(), 403);
  assert.notEqual((await login("bob")).body["auth"].entity_id, id);
});

test("templated policies speak of whoever asks", async () => {
  const { request, mount, login, made, entityOf, accessor } = await createIdentityHarness();
  await mount("kv", "kv");
  const path = (text: string) => `path "kv/${text}" { capabilities = ["create", "update", "read"] }`;
  const policy = [
    path("id/{{identity.entity.id}}/*"), path("name/{{ identity.entity.name }}"), path("team/{{identity.entity.metadata.team}}/*"),
    path(`alias/{{identity.entity.aliases.${accessor}.name}}`), path(`mail/{{identity.entity.aliases.${accessor}.metadata.mail}}`), path(`custom/{{identity.entity.aliases.${accessor}.custom_metadata.c}}`),
    path("group/{{identity.groups.names.staff.id}}"),
  ].join("\n");
  await request("POST", "sys/policies/acl/mine", { policy });
  const { entity_id: id, client_token: token } = (await login("bob", { metadata: { mail: "b@x" } })).body["auth"];
  const group = await made("identity/group", { name: "staff", member_entity_ids: [id] });
  await request("POST", "sys/policies/acl/group", { policy: path(`gname/{{identity.groups.ids.${group["id"]}.name}}`) });
  await request("POST", `identity/entity/id/${id}`, { name: "bob", policies: ["mine", "group"], metadata: { team: "red" } });
  await made(`identity/entity-alias/id/${(await entityOf("bob"))["aliases"][0].id}`, { custom_metadata: { c: "d" } });
  const may = async (at: string, by = token) => (await request("POST", `kv/${at}`, { a: 1 }, { token: by })).status === 204;
  for (const at of [`id/${id}/x`, "name/bob", "team/red/x", "alias/bob", "mail/b@x", "custom/d", `group/${group["id"]}`, "gname/staff"]) assert.equal(await may(at), true, at);
  for (const at of ["id/other/x", "name/eve", "team/blue/x", "team/{{identity.entity.metadata.team}}/x", "alias/eve"]) assert.equal(await may(at), false, at);
  assert.equal((await request("GET", `identity/entity/id/${id}`, undefined, { token })).status, 200, "the default policy lets everybody see themselves");

  const eve = (await login("eve")).body["auth"];
  await request("POST", `identity/entity/id/${eve.entity_id}`, { policies: ["mine"] });
  assert.deepEqual([await may(`id/${eve.entity_id}/x`, eve.client_token), await may(`id/${id}/x`, eve.client_token), await may("team//x", eve.client_token)], [true, false, false]);
  for (const team of ["*", "red/../x", "+", "a+b"]) {
    await request("POST", `identity/entity/id/${eve.entity_id}`, { metadata: { team } });
    assert.equal(await may("team/red/x", eve.client_token), false, `${team} does not reach others' folders`);
    assert.equal(await may(`team/${team.replace("/../", "-")}/x`, eve.client_token), false);
  }
  assert.equal((await request("POST", "sys/policies/acl/odd", { policy: 'path "kv/{{identity.entity.id" { capabilities = ["read"] }' })).status, 400);
});
