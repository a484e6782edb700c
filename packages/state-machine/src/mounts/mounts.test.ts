import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonCodec } from "../framework/index.js";
import { createRig } from "../testing/rig.js";
import { writeMissingMounts } from "./table.js";

test("a mount is enabled, listed both ways, shown and disabled, and its values are gone", async () => {
  const { ask, expire, store } = await createRig();
  assert.equal((await ask("update", "sys/mounts/team/one", { type: "kv", description: "d", options: { version: "1" }, config: { default_lease_ttl: "1h", max_lease_ttl: "2h" } })).status, 204);
  const { body } = await ask("read", "sys/mounts");
  const entry = body.data["team/one/"];
  assert.deepEqual(body["team/one/"], entry);
  const { uuid, accessor, ...rest } = entry;
  assert.match(uuid, /^[0-9a-f-]{36}$/);
  assert.match(accessor, /^kv_[0-9a-f]{8}$/);
  assert.deepEqual(rest, {
    type: "kv", description: "d", local: false, seal_wrap: false, external_entropy_access: false, options: { version: "1" },
    config: { default_lease_ttl: 3600, max_lease_ttl: 7200, force_no_cache: false },
    plugin_version: "", running_plugin_version: "v1.20.0+builtin.coffer", running_sha256: "", deprecation_status: "supported",
  });
  assert.deepEqual((await ask("read", "sys/mounts/team/one")).body.data, entry);
  assert.deepEqual(Object.keys(body.data), ["counter/", "cubbyhole/", "identity/", "kv/", "leased/", "sys/", "team/one/"]);

  await ask("update", "team/one/a", { b: 1 });
  assert.equal((await ask("delete", "sys/mounts/team/one")).status, 204);
  assert.equal((await ask("read", "team/one/a")).status, 404);
  assert.equal((await ask("delete", "sys/mounts/team/one")).status, 204, "twice is no error");
  await expire();
  const { value: left } = await store.evaluate((tx) => tx.keys(`logical/${uuid}/`));
  assert.deepEqual(left, []);
  await ask("update", "sys/mounts/team/one", { type: "kv" });
  assert.equal((await ask("read", "team/one/a")).status, 404, "a new mount at the old path is empty");
});

test("kv-v1 and kv-v2 are kv with a version; options are a map even where none were given", async () => {
  const { ask } = await createRig();
  await ask("update", "sys/mounts/two", { type: "kv-v2" });
  const { type, options } = (await ask("read", "sys/mounts/two")).body.data;
  assert.deepEqual([type, options], ["kv", { version: "2" }]);
  assert.deepEqual((await ask("read", "sys/mounts/kv")).body.data.options, {});
});

test("everything that tuning writes is read back, with the same types", async () => {
  const { ask } = await createRig();
  const settings = { audit_non_hmac_request_keys: ["a"], audit_non_hmac_response_keys: ["b"], listing_visibility: "unauth", passthrough_request_headers: ["H"], allowed_response_headers: ["R"] };
  assert.equal((await ask("update", "sys/mounts/kv/tune", { ...settings, description: "e", default_lease_ttl: "30m", max_lease_ttl: 7200, options: { version: "1" } })).status, 204);
  const { data } = (await ask("read", "sys/mounts/kv/tune")).body;
  assert.deepEqual(data, { ...settings, description: "e", default_lease_ttl: 1800, max_lease_ttl: 7200, force_no_cache: false, options: { version: "1" } });
  assert.equal((await ask("update", "sys/mounts/kv/tune", { max_lease_ttl: "3h" })).status, 204);
  assert.deepEqual((await ask("read", "sys/mounts/kv")).body.data.config, { ...settings, default_lease_ttl: 1800, max_lease_ttl: 10800, force_no_cache: false });
  const untuned = (await ask("read", "sys/mounts/counter/tune")).body.data;
  assert.deepEqual([untuned.default_lease_ttl, untuned.max_lease_ttl, untuned.options], [2764800, 2764800, undefined]);

  await ask("update", "sys/auth/login/tune", { token_type: "default-service", description: "people" });
  assert.equal((await ask("read", "sys/auth/login/tune")).body.data.token_type, "default-service");
  assert.match((await ask("read", "sys/auth/login")).body.data.accessor, /^auth_login_[0-9a-f]{8}$/);

  const emptied = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, Array.isArray(value) ? [] : ""]));
  await ask("update", "sys/mounts/kv/tune", emptied);
  assert.deepEqual((await ask("read", "sys/mounts/kv/tune")).body.data, { description: "e", default_lease_ttl: 1800, max_lease_ttl: 10800, force_no_cache: false, options: { version: "1" } });
  assert.deepEqual((await ask("read", "sys/mounts/kv")).body.data.config, { default_lease_ttl: 1800, max_lease_ttl: 10800, force_no_cache: false });
  for (const [given, shown] of [["batch", "batch"], ["", "default-service"]] as const) {
    assert.equal((await ask("update", "sys/auth/login/tune", { token_type: given })).status, 204);
    assert.equal((await ask("read", "sys/auth/login/tune")).body.data.token_type, shown);
  }
  await ask("update", "sys/mounts/chance", { type: "kv", external_entropy_access: true });
  assert.equal((await ask("read", "sys/mounts/chance/tune")).body.data.external_entropy_access, true);
});

test("a TTL of the mount bounds what it gives out", async () => {
  const { ask } = await createRig();
  await ask("update", "sys/mounts/leased/tune", { max_lease_ttl: "10s" });
  assert.equal((await ask("read", "leased/creds/a")).body.lease_duration, 10);
});

test("a remounted engine keeps its values", async () => {
  const { ask } = await createRig();
  await ask("update", "kv/a", { b: 1 });
  const { body } = await ask("update", "sys/remount", { from: "kv", to: "moved/kv/" });
  assert.match(body.migration_id, /^[0-9a-f-]{36}$/);
  assert.deepEqual((await ask("read", `sys/remount/status/${body.migration_id}`)).body.data.migration_info, { source_mount: "kv/", target_mount: "moved/kv/", status: "success" });
  assert.deepEqual((await ask("read", "moved/kv/a")).body.data, { b: 1 });
  assert.equal((await ask("read", "kv/a")).status, 404);
  assert.equal((await ask("read", "sys/remount/status/nope")).status, 404);
  const auth = await ask("update", "sys/remount", { from: "auth/login", to: "auth/people" });
  assert.equal(auth.status, 200);
  assert.equal((await ask("update", "auth/people/login/bob", { password: "let-me-in" }, { token: null })).status, 200);
});

test("leases go with their mount: known by their new and their old ids, and ended where they are now", async () => {
  const { ask, advance, expire, revoked } = await createRig();
  const [id, other] = [(await ask("read", "leased/creds/a")).body.lease_id as string, (await ask("read", "leased/creds/b")).body.lease_id as string];
  await ask("update", "sys/remount", { from: "leased", to: "team/leased" });
  // Somebody else's engine takes the path over.
  await ask("update", "sys/mounts/leased", { type: "leased" });
  const third = (await ask("read", "leased/creds/a")).body.lease_id as string;
  await expire();
  assert.deepEqual(revoked, []);
  const moved = id.replace(/^leased/, "team/leased");
  for (const asked of [id, moved]) assert.equal((await ask("update", "sys/leases/lookup", { lease_id: asked })).body.data.id, moved);
  assert.deepEqual((await ask("list", "sys/leases/lookup/")).body.data.keys, ["leased/", "team/"]);
  assert.deepEqual((await ask("list", "sys/leases/lookup/team/leased/creds/")).body.data.keys, ["a/", "b/"]);
  assert.deepEqual((await ask("list", "sys/leases/lookup/leased/creds/")).body.data.keys, ["a/"]);
  advance(50);
  const renewed = (await ask("update", "sys/leases/renew", { lease_id: id, increment: 300 })).body;
  assert.deepEqual([renewed.lease_id, renewed.lease_duration], [moved, 300]);
  advance(11);
  await expire();
  assert.deepEqual(revoked.toSorted(), ["a", "b"], "what was not renewed ended at its time");
  assert.equal((await ask("update", "sys/leases/lookup", { lease_id: other })).status, 400);
  assert.equal((await ask("update", "sys/leases/lookup", { lease_id: third })).status, 400);
  // And back again, over a third place.
  await ask("update", "sys/remount", { from: "team/leased", to: "third" });
  await ask("update", "sys/leases/revoke-prefix/team", {});
  await expire();
  assert.equal((await ask("update", "sys/leases/lookup", { lease_id: id })).body.data.id, moved.replace("team/leased", "third"));
  await ask("delete", "sys/mounts/third");
  await expire();
  assert.deepEqual(revoked.toSorted(), ["a", "a", "b"]);
});

test("a move says which policies name the old path, and changes none", async () => {
  const { ask, policy } = await createRig();
  const text = 'path "kv/app/*" { capabilities = ["read"] }';
  await policy("reader", text);
  await policy("other", 'path "kvx/app/*" { capabilities = ["read"] }');
  const { warnings } = (await ask("update", "sys/remount", { from: "kv", to: "moved" })).body;
  assert.deepEqual(warnings, ['Policies are not changed by a move. These name paths below "kv/": reader']);
  assert.equal((await ask("read", "sys/policies/acl/reader")).body.data.policy, text);
  assert.equal((await ask("update", "sys/remount", { from: "moved", to: "again" })).body.warnings, null);
});

test("tokens of logins go with their auth method, and end with it", async () => {
  const { ask, advance, expire, policy, store } = await createRig();
  await policy("staff", 'path "kv/*" { capabilities = ["read"] }');
  const login = async (path: string) => (await ask("update", `auth/${path}/login/bob`, { password: "let-me-in" }, { token: null })).body.auth;
  const { client_token: token, accessor } = await login("login");
  const works = async () => (await ask("read", "kv/a", undefined, { token })).status === 404;
  await ask("update", "sys/remount", { from: "auth/login", to: "auth/people" });
  await ask("update", "sys/auth/login", { type: "login" });
  advance(1);
  assert.deepEqual((await ask("list", "sys/leases/lookup/auth/people/login/bob/")).body.data.keys, [`h${accessor}`]);
  const lease = `auth/people/login/bob/h${accessor}`;
  assert.deepEqual([(await ask("update", "sys/leases/lookup", { lease_id: lease.replace("people", "login") })).body.data.id, await works()], [lease, true]);
  await ask("update", "sys/leases/revoke-prefix/auth/login", {});
  await expire();
  assert.equal(await works(), true, "the path is another mount's by now");
  await ask("update", "sys/leases/revoke-prefix/auth/people/login", {});
  await expire();
  assert.equal(await works(), false);
  const last = await login("people");
  await ask("delete", "sys/auth/people");
  await expire();
  assert.equal((await ask("read", "kv/a", undefined, { token: last.client_token })).status, 403);
  assert.deepEqual((await store.evaluate((tx) => tx.keys("core/lease/id/"))).value, []);
});

test("secrets of a disabled engine are revoked at their source before its storage goes", async () => {
  const { ask, expire, store, problems, revoked } = await createRig();
  const { uuid } = (await ask("read", "sys/mounts/leased")).body.data;
  const lease = (await ask("read", "leased/creds/a")).body.lease_id;
  await ask("delete", "sys/mounts/leased");
  await expire();
  assert.deepEqual([revoked, problems], [["a"], []]);
  assert.equal((await ask("update", "sys/leases/lookup", { lease_id: lease })).status, 400);
  for (const prefix of [`logical/${uuid}/`, "core/mounts/doomed/", "core/lease/id/"]) assert.deepEqual((await store.evaluate((tx) => tx.keys(prefix))).value, [], prefix);
});

test("with an auth method go the tokens of its logins", async () => {
  const { ask, expire, policy } = await createRig();
  await policy("staff", 'path "kv/*" { capabilities = ["read"] }');
  const token = (await ask("update", "auth/login/login/bob", { password: "let-me-in" }, { token: null })).body.auth.client_token;
  assert.equal((await ask("read", "kv/a", undefined, { token })).status, 404);
  await ask("delete", "sys/auth/login");
  assert.equal((await ask("read", "kv/a", undefined, { token })).status, 403);
  await ask("update", "sys/auth/login", { type: "login" });
  await expire();
  assert.equal((await ask("read", "kv/a", undefined, { token })).status, 403, "nor does a new one at its path bring them back");
});

test("what cannot be mounted, moved, tuned or removed is refused in Vault's words", async () => {
  const { ask } = await createRig();
  const refused = async (...asked: Parameters<typeof ask>) => {
    const { status, body } = await ask(...asked);
    assert.equal(status, 400);
    return body.errors[0];
  };
  const enable = (path: string, type = "kv") => refused("update", `sys/mounts/${path}`, { type });
  assert.equal(await enable("kv"), "path is already in use at kv/");
  assert.equal(await enable("kv/below"), "path is already in use at kv/");
  assert.equal(await enable("x", "nosuch"), "plugin not found in the catalog: nosuch");
  assert.equal(await enable("sys/x"), 'cannot mount "sys/x/"');
  assert.equal(await enable("auth/x"), 'cannot mount "auth/x/"');
  assert.equal(await enable("audit"), 'cannot mount "audit/"');
  assert.match(await enable("a/../b"), /^invalid mount path/);
  assert.match(await enable("a//b"), /^invalid mount path/);
  assert.equal(await refused("delete", "sys/mounts/sys"), 'cannot unmount "sys/"');
  assert.equal(await refused("delete", "sys/auth/token"), "token credential backend cannot be disabled");
  assert.equal(await refused("read", "sys/mounts/nope"), "No secret engine mount at nope/");
  assert.equal(await refused("read", "sys/auth/nope"), "No auth engine at nope/");
  assert.equal(await refused("read", "sys/mounts/nope/tune"), 'cannot fetch sysview for path "nope/"');
  assert.equal(await refused("update", "sys/mounts/nope/tune", { description: "x" }), 'tune of path "nope/" failed: no mount entry found');
  assert.equal(await refused("update", "sys/mounts/kv/tune", { default_lease_ttl: "3h", max_lease_ttl: "1h" }), "backend max lease TTL of 3600 would be less than backend default lease TTL of 10800");
  const mount = (config: unknown) => refused("update", "sys/mounts/other", { type: "kv", config });
  assert.equal(await mount({ default_lease_ttl: "2h", max_lease_ttl: "1h" }), "given default lease TTL greater than given max lease TTL");
  assert.equal(await mount({ default_lease_ttl: "900000h" }), "given default lease TTL greater than system max lease TTL of 2764800");
  assert.equal(await mount({ plugin_version: "v9.9.9" }), 'plugin not found in the catalog: version "v9.9.9" is none of a built-in engine');
  assert.equal(await refused("update", "sys/mounts/kv/tune", { plugin_version: "v1" }), 'plugin not found in the catalog: version "v1" is none of a built-in engine');
  assert.equal(await refused("update", "sys/mounts/kv/tune", { token_type: "batch" }), "'token_type' can only be modified on auth mounts");
  for (const token_type of ["bogus", "default"]) assert.equal(await refused("update", "sys/auth/login/tune", { token_type }), "invalid value for 'token_type'");
  for (const house of ["sys", "identity", "cubbyhole"]) assert.equal(await refused("update", `sys/mounts/${house}/tune`, { description: "x", audit_non_hmac_request_keys: ["a"] }), `cannot tune parameter description of ${house}/`);
  assert.equal((await ask("update", "sys/mounts/sys/tune", { audit_non_hmac_request_keys: ["a"] })).status, 204);
  const move = (from: string, to: string) => refused("update", "sys/remount", { from, to });
  assert.equal(await move("gone", "x"), 'no matching mount at "gone/"');
  assert.equal(await move("kv", "counter"), 'path already in use at "counter/"');
  assert.equal(await move("sys", "x"), 'cannot remount "sys/"');
  assert.equal(await move("kv", "auth/x"), 'cannot remount to destination "auth/x/"');
  assert.equal(await move("auth/login", "x"), 'cannot remount auth mount to non-auth mount "x/"');
  assert.equal(await move("auth/token", "auth/x"), 'cannot remount "auth/token/"');
  assert.equal(await move("kv", "identity/x"), 'cannot remount to destination "identity/x/"');
  assert.equal(await move("kv", "x "), "'to' path cannot contain trailing whitespace");
  assert.match(await move("kv", "a//b"), /^invalid destination mount/);
  assert.equal(await refused("update", "sys/remount", {}), "both 'from' and 'to' path must be specified as a string");
});

test("two who mount at one path at once: one of them does", async () => {
  const { ask } = await createRig();
  const both = await Promise.all([ask("update", "sys/mounts/new", { type: "kv" }), ask("update", "sys/mounts/new/below", { type: "kv" })]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [204, 400]);
});

test("mounts of the house that are missing are made, unless somebody's are in the way", async () => {
  const { store, env, ask } = await createRig();
  const missing = async () => (await store.transact((tx) => writeMissingMounts(tx.scoped("core/"), env))).value;
  const index = jsonCodec<Record<string, string>>();
  const drop = (path: string, more: Record<string, string> = {}) =>
    store.transact((tx) => {
      const core = tx.scoped("core/");
      const { [path]: _, ...others } = core.get("mounts/index", index)!;
      core.put("mounts/index", index, { ...others, ...more });
    });
  assert.deepEqual(await missing(), []);
  await drop("identity/");
  assert.deepEqual(await missing(), ["identity/"]);
  const { type, description } = (await ask("read", "sys/mounts/identity")).body.data;
  assert.deepEqual([type, description], ["identity", "identity store"]);
  await drop("identity/", { "identity/mine/": (await ask("read", "sys/mounts/kv")).body.data.uuid });
  assert.deepEqual(await missing(), []);
});
