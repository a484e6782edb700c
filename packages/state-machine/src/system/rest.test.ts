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
  for (const body of [{}, { plugin: "nosuch" }, { plugin: "kv", mounts: ["kv"] }, { plugin: "kv", scope: "galaxy" }, { mounts: ["nowhere"] }]) assert.equal((await ask("update", "sys/plugins/reload/backend", body)).status, 400, JSON.stringify(body));
  for (const path of ["secret/nope", "auth/kv"]) assert.equal((await ask("update", `sys/plugins/reload/${path}`, {})).status, 400);
});

test("the catalog has the database plugins, and each thing in the one version that there is", async () => {
  const { ask } = await createRig();
  assert.deepEqual((await ask("read", "sys/plugins/catalog")).body.data.database, ["some-database-plugin"]);
  assert.deepEqual((await ask("list", "sys/plugins/catalog/database/")).body.data, { keys: ["some-database-plugin"] });
  assert.equal((await ask("read", "sys/plugins/catalog/database/some-database-plugin")).body.data.builtin, true);
  const { version } = (await ask("read", "sys/plugins/catalog/secret/kv")).body.data;
  assert.equal((await ask("read", "sys/plugins/catalog/secret/kv", undefined, { query: { version } })).status, 200);
  for (const other of ["v1.0.0", "x", "é"]) assert.equal((await ask("read", "sys/plugins/catalog/secret/kv", undefined, { query: { version: other } })).status, 404, other);
});

test("flags of sys/health that cannot be read are refused", async () => {
  const { ask, node } = await createRig();
  node.leader = false;
  for (const [value, status] of [["", 200], ["true", 200], ["0", 429], ["x", 400]] as const) assert.equal((await ask("read", "sys/health", undefined, { query: { standbyok: value } })).status, status, value);
  assert.equal((await ask("read", "sys/health", undefined, { query: { perfstandbyok: "x" } })).status, 400);
});

test("profiles need sudo, and what is not known is refused", async () => {
  const { ask, token, policy } = await createRig();
  await policy("p", 'path "sys/*" { capabilities = ["read"] }');
  const bearer = { token: await token(["p"]) };
  const names = ["allocs", "block", "cmdline", "goroutine", "heap", "mutex", "profile", "symbol", "threadcreate", "trace"];
  for (const path of ["pprof", ...names.map((name) => `pprof/${name}`)]) assert.equal((await ask("read", `sys/${path}`, undefined, bearer)).status, 403, path);
  for (const name of ["profile", "allocs", "trace"]) for (const seconds of ["0", "-1", "61", "soon", "1e9"]) assert.equal((await ask("read", `sys/pprof/${name}`, undefined, { query: { seconds } })).status, 400, `${name} ${seconds}`);
  for (const [name, value] of [["seconds", "-1"], ["seconds", "61"], ["debug", "much"]] as const) assert.equal((await ask("read", "sys/pprof/heap", undefined, { query: { [name]: value } })).status, 400, `${name} ${value}`);
  assert.equal((await ask("read", "sys/pprof/profile", undefined, { query: { format: "svg" } })).status, 400);
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
    ["read", "internal/inspect/router/uuid", /must set "introspection_endpoint"/],
    ["read", "internal/inspect/request", /must set "introspection_endpoint"/],
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

test("each profile is asked for as its parameters say, and comes as a file or as text", async () => {
  const { ask } = await createRig();
  const of = async (path: string, query: Readonly<Record<string, string>> = {}) => {
    const { status, text, contentType } = await ask("read", `sys/pprof/${path}`, undefined, { query });
    return [status, text, contentType];
  };
  const [file, plain] = ["application/octet-stream", "text/plain; charset=utf-8"];
  assert.deepEqual(await of("heap"), [200, "heap pprof 0", file]);
  assert.deepEqual(await of("heap", { seconds: "3", debug: "1" }), [200, "heap text 3", plain]);
  assert.deepEqual(await of("allocs"), [200, "allocs pprof 5", file]);
  assert.deepEqual(await of("goroutine", { debug: "2" }), [200, "goroutine text 0", plain]);
  for (const name of ["block", "mutex", "threadcreate"]) assert.deepEqual(await of(name), [200, `${name} pprof 0`, file]);
  assert.deepEqual(await of("profile"), [200, "profile pprof 30", file]);
  assert.deepEqual(await of("profile", { seconds: "1", format: "cpuprofile" }), [200, "{}", file]);
  assert.deepEqual(await of("trace"), [200, "{}", file]);
  assert.deepEqual(await of("cmdline"), [200, "coffer\0server", plain]);
  assert.deepEqual(await of("symbol", { "0x1": "" }), [200, "num_symbols: 0\n", plain]);
  const index = await ask("read", "sys/pprof");
  assert.equal(index.contentType, "text/html; charset=utf-8");
  assert.match(index.text, /<a href="\/v1\/sys\/pprof\/heap\?debug=1">heap<\/a>/);
});

test("an operator may open what shows the router and one's own request", async () => {
  const { ask, node, token, policy } = await createRig();
  node.introspection = true;
  const root = (await ask("read", "sys/internal/inspect/router/root")).body.data.root as Record<string, unknown>[];
  const kv = root.find(({ mount_path: path }) => path === "kv/")!;
  assert.deepEqual(kv, { accessor: kv["accessor"], mount_namespace: "", mount_path: "kv/", mount_type: kv["mount_type"], uuid: kv["uuid"], storage_prefix: `logical/${String(kv["uuid"])}/`, tainted: false });
  assert.equal(root.find(({ mount_path: path }) => path === "sys/")!["storage_prefix"], "core/");
  assert.ok(root.some(({ mount_path: path, mount_type: type }) => path === "token/" && type === "token"));
  assert.deepEqual((await ask("read", "sys/internal/inspect/router/storage")).body.data.storage, root);
  for (const tag of ["uuid", "accessor"]) assert.deepEqual((await ask("read", `sys/internal/inspect/router/${tag}`)).body.data[tag], root.map(({ storage_prefix: _prefix, tainted: _tainted, ...mount }) => mount));
  for (const tag of ["Root", "x", "é", "a/b", "%2e%2e"]) assert.equal((await ask("read", `sys/internal/inspect/router/${tag}`)).status, 404, tag);

  const { text, body } = await ask("read", "sys/internal/inspect/request", undefined, { query: { a: "b" } });
  assert.deepEqual(body.data.data, { a: "b" });
  assert.deepEqual([body.data.req.path, body.data.req.operation, body.data.req.mount_point, body.data.req.connection, body.data.entity], ["internal/inspect/request", "read", "sys/", { remote_addr: "127.0.0.1", remote_port: 1234 }, null]);
  await policy("p", 'path "sys/internal/inspect/*" { capabilities = ["read", "sudo"] }\npath "sys/internal/inspect/router/root" { capabilities = ["read"] }');
  const bearer = await token(["p"]);
  assert.ok(!text.includes(bearer) && !(await ask("read", "sys/internal/inspect/request", undefined, { token: bearer })).text.includes(bearer), "no token");
  assert.equal((await ask("read", "sys/internal/inspect/router/root", undefined, { token: bearer })).status, 403, "without sudo");
});

test("nothing but the process itself loads its configuration again", async () => {
  const { ask } = await createRig();
  for (const name of ["license", "listener", "a/b"]) assert.equal((await ask("update", `sys/config/reload/${name}`, {})).status, 404, name);
  assert.match((await ask("update", "sys/config/reload/license", {})).body.errors![0]!, /SIGHUP/);
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
