import assert from "node:assert/strict";
import { test } from "node:test";
import { createIdentityHarness } from "./testing.js";

test("an alias is created, read, listed, changed, moved and deleted", async () => {
  const { request, made, accessor } = await createIdentityHarness();
  const bob = await made("identity/entity", { name: "bob" });
  const { id, canonical_id } = await made("identity/entity-alias", { name: "b", mount_accessor: accessor, canonical_id: bob["id"], custom_metadata: { x: "y" } });
  assert.equal(canonical_id, bob["id"]);
  const read = (await request("GET", `identity/entity-alias/id/${id}`)).body["data"];
  const { creation_time, last_update_time, ...rest } = read;
  assert.equal(creation_time, last_update_time);
  assert.deepEqual(rest, { canonical_id, custom_metadata: { x: "y" }, id, local: false, merged_from_canonical_ids: null, metadata: null, mount_accessor: accessor, mount_path: "auth/login/", mount_type: "login", name: "b", namespace_id: "root" });
  assert.deepEqual((await request("LIST", "identity/entity-alias/id")).body["data"].key_info[id], { canonical_id, custom_metadata: { x: "y" }, local: false, metadata: null, mount_accessor: accessor, mount_path: "auth/login/", mount_type: "login", name: "b" });

  const renamed = await made(`identity/entity-alias/id/${id}`, { name: "bobby" });
  assert.deepEqual(renamed, { canonical_id, id });
  const find = async (name: string) => (await request("POST", "identity/lookup/entity", { alias_name: name, alias_mount_accessor: accessor })).body["data"]?.name as string | undefined;
  assert.deepEqual([await find("b"), await find("BOBBY")], [undefined, "bob"]);

  const eve = await made("identity/entity", { name: "eve" });
  assert.deepEqual(await made("identity/entity-alias", { name: "bobby", mount_accessor: accessor, canonical_id: eve["id"] }), { canonical_id: eve["id"], id });
  assert.equal(await find("bobby"), "eve");
  assert.deepEqual((await request("GET", "identity/entity/name/bob")).body["data"].aliases, []);
  assert.equal((await request("DELETE", `identity/entity-alias/id/${id}`)).status, 204);
  assert.equal((await request("DELETE", `identity/entity-alias/id/${id}`)).status, 204);
  assert.deepEqual([await find("bobby"), (await request("GET", "identity/entity/name/eve")).status], [undefined, 200]);

  const alone = await made("identity/entity-alias", { name: "new", mount_accessor: accessor });
  assert.match((await request("GET", `identity/entity/id/${alone["canonical_id"]}`)).body["data"].name, /^entity_/);
});

test("an entity has one alias a mount, and an alias one entity", async () => {
  const { request, made, accessor } = await createIdentityHarness();
  const bob = await made("identity/entity", { name: "bob" });
  const eve = await made("identity/entity", { name: "eve" });
  const alias = await made("identity/entity-alias", { name: "b", mount_accessor: accessor, canonical_id: bob["id"] });
  await made("identity/entity-alias", { name: "e", mount_accessor: accessor, canonical_id: eve["id"] });
  const refused = async (path: string, body: Record<string, unknown>) => {
    const { status, body: answer } = await request("POST", path, body);
    assert.equal(status, 400);
    return answer.errors![0];
  };
  assert.equal(await refused("identity/entity-alias", { name: "b2", mount_accessor: accessor, canonical_id: bob["id"] }), "Alias already exists for requested entity and mount accessor");
  assert.equal(await refused(`identity/entity-alias/id/${alias["id"]}`, { name: "e" }), "alias with combination of mount accessor and name already exists");
  assert.match((await refused(`identity/entity-alias/id/${alias["id"]}`, { canonical_id: eve["id"] }))!, /already has an alias for this mount/);
  assert.equal(await refused(`identity/entity-alias/id/${alias["id"]}`, { canonical_id: "nope" }), "given 'canonical_id' is not associated with an entity");
  assert.equal(await refused("identity/entity-alias", { name: "x", mount_accessor: accessor, canonical_id: "nope" }), "invalid canonical ID");
  assert.equal(await refused("identity/entity-alias", { name: "x", mount_accessor: "nope" }), 'invalid mount accessor "nope"');
  assert.equal(await refused("identity/entity-alias", { name: "x" }), "'id' or 'mount_accessor' and 'name' must be provided");
  assert.equal(await refused("identity/entity-alias", { id: "nope" }), "invalid alias ID provided");
  assert.deepEqual((await request("GET", "identity/entity/name/bob")).body["data"].aliases.map((one: { name: string }) => one.name), ["b"]);
});

test("aliases have two older names", async () => {
  const { request, made, accessor } = await createIdentityHarness();
  const { id: entity_id } = await made("identity/entity", { name: "bob" });
  for (const root of ["alias", "persona"]) {
    const { id } = await made(`identity/${root}`, { name: `bob-${root}`, mount_accessor: accessor, entity_id });
    assert.deepEqual((await request("GET", `identity/${root}/id/${id}`)).body["data"], (await request("GET", `identity/entity-alias/id/${id}`)).body["data"]);
    assert.deepEqual((await request("LIST", `identity/${root}/id`)).body["data"].keys, [id]);
    assert.equal((await request("POST", `identity/${root}/id/${id}`, { name: "robert", mount_accessor: accessor, canonical_id: entity_id })).status, 200);
    assert.equal((await request("DELETE", `identity/${root}/id/${id}`)).status, 204);
    assert.equal((await request("GET", `identity/${root}/id/${id}`)).status, 404);
  }
});
