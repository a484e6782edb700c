import assert from "node:assert/strict";
import { test } from "node:test";
import { createIdentityHarness } from "./testing.js";

test("a group is created, read, changed, listed and deleted", async () => {
  const { request, made } = await createIdentityHarness();
  const bob = await made("identity/entity", { name: "bob" });
  const { id, name } = await made("identity/group", { name: "staff", policies: ["p"], metadata: { k: "v" }, member_entity_ids: [bob["id"]] });
  assert.equal(name, "staff");
  const read = (await request("GET", "identity/group/name/STAFF")).body["data"];
  assert.deepEqual(read, {
    alias: {}, creation_time: "2026-01-01T00:00:00.000Z", id, last_update_time: "2026-01-01T00:00:00.000Z", member_entity_ids: [bob["id"]], member_group_ids: null,
    metadata: { k: "v" }, modify_index: 1, name: "staff", namespace_id: "root", parent_group_ids: null, policies: ["p"], type: "internal",
  });
  const all = await made("identity/group", { name: "all", member_group_ids: id });
  assert.deepEqual((await request("GET", `identity/group/id/${id}`)).body["data"].parent_group_ids, [all["id"]]);
  assert.deepEqual((await request("LIST", "identity/group/id")).body["data"].key_info[id], { name: "staff", num_member_entities: 1, num_parent_groups: 1 });
  const entity = (await request("GET", "identity/entity/name/bob")).body["data"];
  assert.deepEqual([entity.direct_group_ids, entity.inherited_group_ids, entity.group_ids], [[id], [all["id"]], [id, all["id"]]]);

  assert.deepEqual(await made(`identity/group/id/${id}`, { name: "people", member_entity_ids: [] }), { id, name: "people" });
  assert.equal((await request("GET", "identity/group/name/staff")).status, 404);
  assert.deepEqual((await request("GET", "identity/entity/name/bob")).body["data"].group_ids, []);
  assert.deepEqual((await request("LIST", "identity/group/name")).body["data"].keys, ["all", "people"]);
  assert.equal((await request("DELETE", "identity/group/name/people")).status, 204);
  assert.equal((await request("GET", "identity/group/name/all")).body["data"].member_group_ids, null);
  assert.equal((await request("DELETE", `identity/group/id/${all["id"]}`)).status, 204);
  assert.equal((await request("LIST", "identity/group/id")).status, 404);
});

test("what a group may not be is refused, and nothing of it is written", async () => {
  const { request, made } = await createIdentityHarness();
  const bob = await made("identity/entity", { name: "bob" });
  const one = await made("identity/group", { name: "one" });
  const two = await made("identity/group", { name: "two", member_group_ids: [one["id"]] });
  const three = await made("identity/group", { name: "three", member_group_ids: [two["id"]] });
  await made("identity/group", { name: "out", type: "external" });
  const refused = async (path: string, body: Record<string, unknown>) => {
    const { status, body: answer } = await request("POST", path, body);
    assert.equal(status, 400, JSON.stringify(answer));
    return answer.errors![0];
  };
  assert.equal(await refused("identity/group/name/one", { member_group_ids: [one["id"]] }), `member group ID "${one["id"]}" is same as the ID of the group`);
  assert.equal(await refused("identity/group/name/one", { member_group_ids: [three["id"]] }), `cyclic relationship detected for member group ID "${three["id"]}"`);
  assert.equal(await refused("identity/group/name/one", { member_group_ids: ["nope"] }), 'invalid member group ID "nope"');
  assert.equal(await refused("identity/group/name/one", { member_entity_ids: ["nope"] }), 'invalid entity ID "nope"');
  assert.equal(await refused("identity/group/name/one", { policies: "root" }), "policies cannot contain root");
  assert.equal(await refused("identity/group/name/one", { type: "external" }), "group type cannot be changed");
  assert.equal(await refused("identity/group", { name: "x", type: "odd" }), 'invalid group type "odd"');
  assert.equal(await refused("identity/group", { name: "x", type: "external", member_entity_ids: [bob["id"]] }), "member entities can't be set manually for external groups");
  assert.equal(await refused("identity/group/name/out", { member_group_ids: [one["id"]] }), "member groups can't be set for external groups");
  assert.equal(await refused(`identity/group/id/${one["id"]}`, { name: "two" }), "group name is already in use");
  assert.equal(await refused("identity/group/id/nope", {}), "invalid group ID");
  assert.deepEqual((await request("LIST", "identity/group/name")).body["data"].keys, ["one", "out", "three", "two"]);
  assert.equal((await request("GET", "identity/group/name/one")).body["data"].member_group_ids, null);
});

test("an external group has one alias, and an alias one group", async () => {
  const { request, made, accessor } = await createIdentityHarness();
  const group = await made("identity/group", { name: "eng", type: "external" });
  const inner = await made("identity/group", { name: "inner" });
  const { id } = await made("identity/group-alias", { name: "engineers", mount_accessor: accessor, canonical_id: group["id"] });
  const read = (await request("GET", `identity/group-alias/id/${id}`)).body["data"];
  assert.deepEqual([read.name, read.canonical_id, read.mount_path, read.namespace_id], ["engineers", group["id"], "auth/login/", "root"]);
  assert.equal((await request("GET", "identity/group/name/eng")).body["data"].alias.id, id);
  assert.equal((await request("LIST", "identity/group-alias/id")).body["data"].key_info[id].name, "engineers");
  const lookup = (body: Record<string, unknown>) => request("POST", "identity/lookup/group", body);
  for (const body of [{ name: "eng" }, { id: group["id"] }, { alias_id: id }, { alias_name: "engineers", alias_mount_accessor: accessor }]) assert.equal((await lookup(body)).body["data"].id, group["id"]);
  assert.equal((await lookup({ name: "nobody" })).status, 204);
  assert.deepEqual((await lookup({})).body.errors, ["query parameter not supplied"]);
  assert.deepEqual((await lookup({ name: "a", id: "b" })).body.errors, ["query parameter conflict; please supply distinct set of query parameters"]);
  assert.deepEqual((await lookup({ alias_name: "a" })).body.errors, ["both 'alias_name' and 'alias_mount_accessor' needs to be set"]);

  const refused = async (body: Record<string, unknown>) => (await request("POST", "identity/group-alias", body)).body.errors![0];
  assert.equal(await refused({ name: "engineers", mount_accessor: accessor }), "combination of mount and group alias name is already in use");
  assert.equal(await refused({ name: "x", mount_accessor: accessor, canonical_id: inner["id"] }), "alias can't be set on an internal group");
  assert.equal(await refused({ name: "x", mount_accessor: accessor, canonical_id: "nope" }), "invalid group ID given in 'canonical_id'");
  assert.equal(await refused({ name: "x" }), "missing mount_accessor");
  assert.equal(await refused({ mount_accessor: accessor }), "missing alias name");
  assert.equal(await refused({ id: "nope", name: "x" }), "invalid group alias ID");
  const renamed = await made(`identity/group-alias/id/${id}`, { name: "devs" });
  assert.deepEqual(renamed, { canonical_id: group["id"], id });
  assert.equal((await lookup({ alias_name: "engineers", alias_mount_accessor: accessor })).status, 204);
  assert.equal((await request("DELETE", `identity/group-alias/id/${id}`)).status, 204);
  assert.deepEqual((await request("GET", "identity/group/name/eng")).body["data"].alias, {});
});
