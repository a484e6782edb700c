import assert from "node:assert/strict";
import { test } from "node:test";
import { createIdentityHarness } from "./testing.js";

test("an entity is created, read, changed, listed and deleted, by id and by name", async () => {
  const { request, made } = await createIdentityHarness();
  const { id, name, aliases } = await made("identity/entity", { name: "Bob", metadata: { team: "red" }, policies: "p2,p1" });
  assert.deepEqual([name, aliases], ["Bob", null]);
  const read = (await request("GET", `identity/entity/id/${id}`)).body["data"];
  assert.deepEqual(read, {
    aliases: [], creation_time: "2026-01-01T00:00:00.000Z", direct_group_ids: [], disabled: false, group_ids: [], id, inherited_group_ids: [],
    last_update_time: "2026-01-01T00:00:00.000Z", merged_entity_ids: null, metadata: { team: "red" }, name: "Bob", namespace_id: "root", policies: ["p1", "p2"],
  });
  assert.deepEqual((await request("GET", "identity/entity/name/bob")).body["data"], read, "names are the same in either case");

  assert.equal((await request("POST", "identity/entity", { name: "bob", metadata: { team: "blue" } })).status, 204);
  assert.equal((await request("POST", `identity/entity/id/${id}`, { name: "bob/b", disabled: true })).status, 204);
  const changed = (await request("GET", "identity/entity/name/bob/b")).body["data"];
  assert.deepEqual([changed.id, changed.metadata, changed.policies, changed.disabled], [id, { team: "blue" }, ["p1", "p2"], true]);
  assert.equal((await request("GET", "identity/entity/name/bob")).status, 404, "the old name is free");

  const other = await made("identity/entity", {});
  assert.match(other["name"], /^entity_[0-9a-f]{8}$/);
  const list = (await request("LIST", "identity/entity/id")).body["data"];
  assert.deepEqual(list.keys, [id, other["id"]].sort());
  assert.deepEqual(list.key_info[id], { name: "bob/b" });
  assert.deepEqual((await request("LIST", "identity/entity/name")).body["data"].keys, ["bob/b", other["name"]]);
  assert.deepEqual((await request("GET", "sys/internal/counters/entities")).body["data"], { counters: { entities: { total: 2 } } });

  assert.equal((await request("DELETE", "identity/entity/name/bob/b")).status, 204);
  assert.equal((await request("POST", "identity/entity/batch-delete", { entity_ids: [other["id"], "unknown"] })).status, 204);
  assert.equal((await request("LIST", "identity/entity/id")).status, 404);
});

test("what an entity may not be is refused, and nothing of it is written", async () => {
  const { request, made } = await createIdentityHarness();
  const { id } = await made("identity/entity/name/bob", {});
  await made("identity/entity/name/eve", {});
  const refused = async (path: string, body: Record<string, unknown>) => {
    const { status, body: answer } = await request("POST", path, body);
    assert.equal(status, 400, path);
    return answer.errors![0];
  };
  assert.equal(await refused("identity/entity/id/nope", { name: "x" }), "entity not found from id");
  assert.equal(await refused("identity/entity", { id: "nope" }), "entity not found from id");
  assert.equal(await refused("identity/entity", { name: "new", policies: ["Root"] }), "policies cannot contain root");
  assert.equal(await refused(`identity/entity/id/${id}`, { name: "EVE" }), "entity name is already in use");
  assert.match((await refused("identity/entity", { name: "new", metadata: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, "v"])) }))!, /more than 64/);
  assert.match((await refused("identity/entity", { name: "new", metadata: { "a b": "v" } }))!, /invalid characters/);
  assert.match((await refused("identity/entity", { name: "new", metadata: { a: "v".repeat(513) } }))!, /value is too long/);
  assert.match((await refused("identity/entity", { name: "new", metadata: "nonsense" }))!, /key=value/);
  assert.match((await refused("identity/entity", { name: "new", disabled: "perhaps" }))!, /bool/);
  assert.equal(await refused("identity/entity/batch-delete", {}), "missing entity ids to delete");
  assert.deepEqual((await request("LIST", "identity/entity/name")).body["data"].keys, ["bob", "eve"]);
});

test("two who create an entity of one name at once: there is one", async () => {
  const { request } = await createIdentityHarness();
  const both = await Promise.all([request("POST", "identity/entity", { name: "bob" }), request("POST", "identity/entity", { name: "BOB" })]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 204]);
  assert.equal((await request("LIST", "identity/entity/id")).body["data"].keys.length, 1);
});

test("merged entities go on as one: aliases, groups and tokens", async () => {
  const { request, made, mount, entityOf, tokenOf, accessor } = await createIdentityHarness();
  await mount("auth/other", "login");
  const token = await tokenOf("bob");
  const from = await entityOf("bob");
  await request("POST", "auth/other/login/bob", {}, { token: "" });
  const otherAccessor = (await request("GET", "sys/auth/other")).body["data"].accessor as string;
  const to = (await request("POST", "identity/lookup/entity", { alias_name: "bob", alias_mount_accessor: otherAccessor })).body["data"];
  await request("POST", `identity/entity/id/${to.id}`, { name: "bob", policies: ["of-to"] });
  await request("POST", `identity/entity/id/${from["id"]}`, { policies: ["of-from"] });
  const group = await made("identity/group", { name: "staff", member_entity_ids: [from["id"]] });

  const merge = (from_entity_ids: string[], to_entity_id: string, more = {}) => request("POST", "identity/entity/merge", { from_entity_ids, to_entity_id, ...more });
  assert.equal((await merge([from["id"]], to.id)).status, 204);
  assert.equal((await request("GET", `identity/entity/id/${from["id"]}`)).status, 404);
  const merged = (await request("GET", "identity/entity/name/bob")).body["data"];
  assert.deepEqual(merged.aliases.map((one: { mount_accessor: string }) => one.mount_accessor).sort(), [accessor, otherAccessor].sort());
  assert.deepEqual([merged.policies, merged.direct_group_ids, merged.merged_entity_ids], [["of-to"], [group["id"]], [from["id"]]]);
  assert.deepEqual((await request("GET", "identity/group/name/staff")).body["data"].member_entity_ids, [to.id]);
  assert.deepEqual((await request("GET", "auth/token/lookup-self", undefined, { token })).body["data"].identity_policies, ["of-to"]);
  assert.equal((await entityOf("bob"))["id"], to.id);

  const second = await made("identity/entity", {});
  await made("identity/entity-alias", { name: "robert", mount_accessor: accessor, canonical_id: second["id"] });
  assert.match((await merge([second["id"]], to.id)).body.errors![0]!, /aliases with the same mount accessor/);
  assert.equal((await merge([second["id"]], to.id, { conflicting_alias_ids_to_keep: [(await entityOf("robert"))["aliases"][0].id] })).status, 204);
  assert.equal((await entityOf("robert"))["id"], to.id);
  assert.equal(await entityOf("bob"), undefined);
  assert.deepEqual((await merge(["nope"], to.id)).body.errors, ["entity id to merge from is invalid"]);
  assert.deepEqual((await merge([to.id], "nope")).body.errors, ["entity id to merge to is invalid"]);
  assert.deepEqual((await merge([to.id], to.id)).body.errors, ["to_entity_id should not be present in from_entity_ids"]);
  assert.deepEqual((await merge([], to.id)).body.errors, ["missing entity ids to merge from"]);
});

test("a deleted entity leaves no key behind", async () => {
  const { request, made, entityOf, tokenOf, store } = await createIdentityHarness();
  const keys = async () => (await store.evaluate((tx) => tx.keys("core/identity/"))).value;
  await tokenOf("bob");
  const { id } = await entityOf("bob");
  const group = await made("identity/group", { name: "staff", member_entity_ids: [id] });
  await request("DELETE", `identity/entity/id/${id}`);
  await request("DELETE", `identity/group/id/${group["id"]}`);
  assert.deepEqual(await keys(), []);
});
