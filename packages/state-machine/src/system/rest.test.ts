import assert from "node:assert/strict";
import { test } from "node:test";
import { createRig } from "../testing/rig.js";
import { recordVersion } from "./path-product.js";

test("counters tell what is stored, and nothing of what is not kept", async () => {
  const rig = await createRig();
  await rig.token(["default"]);
  assert.deepEqual((await rig.ask("read", "sys/internal/counters/tokens")).body.data, { counters: { service_tokens: { total: 2 } } });
  assert.equal((await rig.ask("read", "sys/internal/counters/requests")).status, 404);
});

test("the version history grows with each version that comes to lead, once", async () => {
  const { store, env, ask, advance } = await createRig();
  assert.equal((await ask("list", "sys/version-history/")).status, 404);
  const record = (version: string) => store.transact((tx) => recordVersion(tx.scoped("core/"), { version, buildDate: "2026-01-01T00:00:00Z" }, env.now()));
  await record("1.0.0");
  advance(60);
  await record("1.0.0");
  await record("1.1.0");
  const { data } = (await ask("list", "sys/version-history/")).body;
  assert.deepEqual(data.keys, ["1.0.0", "1.1.0"]);
  assert.deepEqual(data.key_info["1.1.0"], { build_date: "2026-01-01T00:00:00Z", previous_version: "1.0.0", timestamp_installed: "2026-01-02T03:05:05.000Z" });
  assert.equal(data.key_info["1.0.0"].previous_version, null);
});

test("plugins are what is built in: listed, reloaded at once, never pinned", async () => {
  const { ask } = await createRig();
  assert.deepEqual((await ask("read", "sys/plugins/pins")).body.data, { pinned_versions: [] });
  assert.ok((await ask("update", "sys/plugins/reload/backend", { mounts: "kv,auth/login" })).body.data.reload_id);
  assert.ok((await ask("update", "sys/plugins/reload/unknown/login", {})).body.data.reload_id);
  for (const body of [{}, { plugin: "kv", mounts: ["kv"] }, { plugin: "kv", scope: "galaxy" }, { mounts: ["nowhere"] }]) assert.equal((await ask("update", "sys/plugins/reload/backend", body)).status, 400, JSON.stringify(body));
  for (const path of ["secret/nope", "auth/kv"]) assert.equal((await ask("update", `sys/plugins/reload/${path}`, {})).status, 400);
});

test("profiles need sudo, and what is not known is refused", async () => {
  const { ask, token, policy } = await createRig();
  await policy("p", 'path "sys/*" { capabilities = ["read"] }');
  const bearer = { token: await token(["p"]) };
  for (const path of ["pprof", "pprof/profile", "pprof/heap", "pprof/goroutine"]) assert.equal((await ask("read", `sys/${path}`, undefined, bearer)).status, 403, path);
  for (const seconds of ["0", "-1", "61", "soon", "1e9"]) assert.equal((await ask("read", "sys/pprof/profile", undefined, { query: { seconds } })).status, 400, seconds);
  assert.equal((await ask("read", "sys/monitor", undefined, { query: { log_format: "xml" } })).status, 400);
  assert.equal((await ask("read", "sys/pprof/heap-snapshot")).status, 404);
});

test("tuning: `system` takes a mount's TTLs away again", async () => {
  const { ask } = await createRig();
  await ask("update", "sys/mounts/kv/tune", { default_lease_ttl: "1h", max_lease_ttl: "2h" });
  assert.deepEqual((await ask("read", "sys/mounts/kv")).body.data.config.max_lease_ttl, 7200);
  assert.equal((await ask("update", "sys/mounts/kv/tune", { default_lease_ttl: "system", max_lease_ttl: "system" })).status, 204);
  assert.equal((await ask("read", "sys/mounts/kv/tune")).body.data.max_lease_ttl, 2_764_800);
});

test("what this service does not have is refused in words", async () => {
  const { ask, token, policy, store } = await createRig();
  const before = store.index();
  for (const [operation, path, why] of [
    ["list", "namespaces/", /namespaces are not supported/],
    ["read", "namespaces/a/b", /namespaces are not supported/],
    ["update", "namespaces/api-lock/lock/a", /namespaces are not supported/],
    ["update", "control-group/authorize", /control groups are not supported/],
    ["read", "internal/inspect/router/uuid", /introspection is not supported/],
    ["update", "config/reload/license", /SIGHUP/],
    ["read", "pprof/cmdline", /there is no profile "cmdline"/],
    ["update", "plugins/catalog/secret/x", /plugin directory is not configured/],
    ["delete", "plugins/catalog/kv", /built in/],
    ["list", "plugins/catalog/colour/", /unsupported plugin type "colour"/],
  ] as const) {
    const { status, body } = await ask(operation, `sys/${path}`, operation === "update" ? { a: 1 } : undefined);
    assert.equal(status, 400, path);
    assert.match(body.errors![0]!, why, path);
  }
  assert.deepEqual((await ask("read", "sys/plugins/catalog/kv")).body.warnings, ['Deprecated API endpoint, cannot read plugin information from catalog for "kv"']);
  assert.equal(store.index(), before);
  await policy("p", 'path "sys/*" { capabilities = ["read", "update", "delete", "list"] }');
  const bearer = { token: await token(["p"]) };
  for (const path of ["pprof/cmdline", "internal/inspect/request"]) assert.equal((await ask("read", `sys/${path}`, undefined, bearer)).status, 403, path);
});

test("names of policies have folders, which can be listed; PATCH changes the text of one that is there", async () => {
  const { ask } = await createRig();
  const text = (name: string) => `path "${name}" {\n capabilities = ["read"]\n}`;
  const patch = (name: string, body: Readonly<Record<string, unknown>>) => ask("patch", `sys/policies/acl/${name}`, body, { contentType: "application/merge-patch+json" });
  for (const name of ["team/a", "team/b", "other"]) assert.equal((await ask("update", `sys/policies/acl/${name}`, { policy: text(name) })).status, 204);
  assert.deepEqual((await ask("list", "sys/policies/acl/team/")).body.data, { keys: ["team/a", "team/b"] });
  assert.deepEqual((await ask("list", "sys/policy/team/")).body.data, { keys: ["team/a", "team/b"], policies: ["team/a", "team/b"] });
  assert.equal((await ask("list", "sys/policies/acl/other/")).status, 404);
  assert.equal((await ask("read", "sys/policies/acl/team/a")).body.data.policy, text("team/a"));
  assert.equal((await patch("team/a", { policy: text("more") })).status, 204);
  assert.equal((await ask("read", "sys/policy/team/a")).body.data.rules, text("more"));
  assert.deepEqual([(await patch("nobody", { policy: text("a") })).status, (await patch("root", { policy: text("a") })).status, (await patch("team/a", {})).status, (await patch("team/a", { policy: "path" })).status], [404, 400, 400, 400]);
  assert.equal((await ask("delete", "sys/policies/acl/team/a")).status, 204);
  assert.equal((await ask("read", "sys/policies/acl/team/a")).status, 404);
});

test("what Vault has by two names has them here: root tokens, OpenAPI", async () => {
  const { ask } = await createRig();
  const [one, two] = [await ask("read", "sys/generate-root"), await ask("read", "sys/generate-root/attempt")];
  assert.deepEqual(one.body, two.body);
  const [got, posted] = [await ask("read", "sys/internal/specs/openapi", undefined, { query: { generic_mount_paths: "true" } }), await ask("update", "sys/internal/specs/openapi", { generic_mount_paths: true })];
  assert.deepEqual(posted.body, got.body);
  assert.deepEqual((await ask("read", "sys/internal/ui/namespaces")).body.data, {});
});
