import assert from "node:assert/strict";
import { test } from "node:test";
import { identify } from "../request/index.js";
import { createRig } from "../testing/rig.js";
import type { Ask, Rig } from "../testing/rig.js";
import { systemEngine } from "./index.js";

/** sys/ through the real pipeline and rooms; what the node below answers is the rig's. */

const preflight = (path: string) => ({ errors: [`preflight capability check returned 403, please ensure client's policies grant access to path "${path}/"`] });

test("capabilities: of oneself, of a token, of an accessor; one path has its name and `capabilities`", async () => {
  const { ask, policy, token, store, env } = await createRig();
  await policy("p", 'path "kv/a" { capabilities = ["read", "create"] }\npath "kv/+/b" { capabilities = ["list", "sudo"] }\npath "kv/no/*" { capabilities = ["deny"] }');
  const bearer = await token(["p"]);
  const paths = ["kv/a", "kv/no/x", "nope", "kv/m/b"];
  const expected = { "kv/a": ["create", "read"], "kv/no/x": ["deny"], nope: ["deny"], "kv/m/b": ["list", "sudo"] };
  const { body } = await ask("update", "sys/capabilities", { token: bearer, paths });
  assert.deepEqual(body.data, expected);
  assert.deepEqual(body["kv/m/b"], ["list", "sudo"]);
  assert.deepEqual((await ask("update", "sys/capabilities-self", { path: "kv/a" })).body.data, { "kv/a": ["root"], capabilities: ["root"] });
  assert.deepEqual((await ask("update", "sys/capabilities-self", { paths: "kv/a,kv/b" }, { token: await token(["p", "default"]) })).body.data, { "kv/a": ["create", "read"], "kv/b": ["deny"] });
  const { value: entry } = store.evaluate((tx) => identify(tx.scoped("core/"), bearer, "127.0.0.1", env)!);
  assert.deepEqual((await ask("update", "sys/capabilities-accessor", { accessor: entry.accessor, paths: "kv/a" })).body.capabilities, ["create", "read"]);
  assert.deepEqual((await ask("update", "sys/capabilities-accessor", { accessor: "no", paths: "a" })).body.errors, ["1 error occurred:\n\t* invalid accessor\n\n"]);
  assert.deepEqual((await ask("update", "sys/capabilities", { token: "no", paths: "a" })).body.errors, ["1 error occurred:\n\t* invalid token\n\n"]);
});

test("preflight: the mount for who may reach it, 403 with one text otherwise, and a plain 403 without a token", async () => {
  const { ask, policy, token } = await createRig();
  await policy("p", 'path "kv/app/*" { capabilities = ["read"] }\npath "counter/*" { capabilities = ["deny"] }');
  const bearer = { token: await token(["p"]) };
  const { body } = await ask("read", "sys/internal/ui/mounts/kv/app/x", undefined, bearer);
  assert.deepEqual([body.data.path, body.data.type, body.data.options], ["kv/", "kv", {}]);
  for (const path of ["counter/x", "leased", "nope/x"]) {
    const refused = await ask("read", `sys/internal/ui/mounts/${path}`, undefined, bearer);
    assert.deepEqual([refused.status, refused.body], [403, preflight(path)]);
  }
  for (const none of [null, "hvs.bad"]) assert.deepEqual((await ask("read", "sys/internal/ui/mounts/kv/app/x", undefined, { token: none })).body, { errors: ["permission denied"] });
  assert.equal((await ask("read", "sys/internal/ui/mounts/auth/login/x")).body.data.path, "login/");
});

test("the UI's lists: what one may reach; without a token only what asks to be listed, and little of it", async () => {
  const { ask, policy, token } = await createRig();
  await policy("p", 'path "kv/app/*" { capabilities = ["read"] }\npath "auth/login/users/+" { capabilities = ["read"] }');
  const { data } = (await ask("read", "sys/internal/ui/mounts", undefined, { token: await token(["p"]) })).body;
  assert.deepEqual([Object.keys(data.secret), Object.keys(data.auth)], [["kv/"], ["login/"]]);
  assert.deepEqual((await ask("read", "sys/internal/ui/mounts", undefined, { token: null })).body.data, { auth: {}, secret: {} });
  assert.equal((await ask("read", "sys/internal/ui/mounts", undefined, { token: "hvs.gone" })).status, 403, "a token that is no good");
  await ask("update", "sys/auth/login/tune", { listing_visibility: "unauth" });
  assert.deepEqual((await ask("read", "sys/internal/ui/mounts", undefined, { token: null })).body.data, { auth: { "login/": { type: "login", description: "", options: {} } }, secret: {} });
});

test("resultant-acl shows the caller's rules", async () => {
  const { ask, policy, token } = await createRig();
  assert.deepEqual((await ask("read", "sys/internal/ui/resultant-acl")).body.data, { root: true });
  await policy("p", 'path "kv/a" { capabilities = ["read", "create"] }\npath "kv/no/*" { capabilities = ["deny"] }\npath "sys/internal/ui/resultant-acl" { capabilities = ["read"] }');
  const { data } = (await ask("read", "sys/internal/ui/resultant-acl", undefined, { token: await token(["p"]) })).body;
  assert.deepEqual(data, { root: false, exact_paths: { "kv/a": { capabilities: ["create", "read"] }, "sys/internal/ui/resultant-acl": { capabilities: ["read"] } }, glob_paths: { "kv/no/": { capabilities: ["deny"] } } });
});

test("the OpenAPI document covers what the caller may reach, and stands alone", async () => {
  const { ask, policy, token } = await createRig();
  const { body } = await ask("read", "sys/internal/specs/openapi");
  assert.equal(body.openapi, "3.0.2");
  for (const path of ["/sys/mounts/{path}", "/kv/{path}", "/auth/login/login/{name}", "/sys/health"]) assert.ok(body.paths[path], path);
  assert.equal(body.paths["/sys/remount"]["x-vault-sudo"], true);
  await policy("p", 'path "kv/*" { capabilities = ["read"] }');
  assert.deepEqual(Object.keys((await ask("read", "sys/internal/specs/openapi", undefined, { token: await token(["p"]) })).body.paths), ["/kv/{path}"]);
  assert.equal((await ask("read", "sys/internal/specs/openapi", undefined, { token: null })).status, 200);
});

test("policies: both forms, names without case, base64, and what cannot be changed", async () => {
  const { ask } = await createRig();
  const text = 'path "x" { capabilities = ["read"] }';
  const upper = await ask("update", "sys/policies/acl/Big", { policy: text });
  assert.deepEqual([upper.status, upper.body.warnings], [200, ["policy name was converted to big"]]);
  assert.deepEqual((await ask("read", "sys/policies/acl/BIG")).body.data, { name: "big", policy: text });
  const old = (await ask("read", "sys/policy/big")).body;
  assert.deepEqual([old.name, old.rules, old.data], ["big", text, { name: "big", rules: text }]);
  await ask("update", "sys/policy/encoded", { policy: Buffer.from(text).toString("base64") });
  assert.equal((await ask("read", "sys/policy/encoded")).body.rules, text);
  const names = ["big", "default", "encoded", "root"];
  assert.deepEqual((await ask("list", "sys/policies/acl/")).body.data, { keys: names });
  for (const listed of [await ask("read", "sys/policy"), await ask("list", "sys/policy/")]) assert.deepEqual([listed.body.policies, listed.body.data.keys], [names, names]);
  assert.deepEqual((await ask("read", "sys/policies/acl/root")).body.data, { name: "root", policy: "" });
  assert.equal((await ask("read", "sys/policies/acl/none")).status, 404);
  const refused = async (...asked: Parameters<Rig["ask"]>) => (await ask(...asked)).body.errors[0];
  assert.match(await refused("update", "sys/policies/acl/bad", { policy: 'path "x" { capabilities = ["fly"] }' }), /^failed to parse policy: path "x": invalid capability "fly"/);
  assert.equal(await refused("update", "sys/policies/acl/root", { policy: text }), 'cannot update "root" policy');
  assert.equal(await refused("delete", "sys/policies/acl/root"), 'cannot delete "root" policy');
  assert.equal(await refused("delete", "sys/policy/default"), "cannot delete default policy");
  assert.equal((await ask("delete", "sys/policy/none")).status, 204);
});

test("leases: looked up, listed, renewed and revoked, by id and by prefix", async () => {
  const { ask, advance, expire, revoked } = await createRig();
  const first = (await ask("read", "leased/creds/a")).body;
  assert.match(first.lease_id, /^leased\/creds\/a\/[A-Za-z0-9]{24}$/);
  assert.deepEqual([first.lease_duration, first.renewable, first.data], [60, true, { password: "made-for-a" }]);
  assert.deepEqual((await ask("update", "sys/leases/lookup", { lease_id: first.lease_id })).body.data, { id: first.lease_id, issue_time: "2026-01-02T03:04:05.000Z", expire_time: "2026-01-02T03:05:05.000Z", last_renewal: null, renewable: true, ttl: 60 });
  assert.deepEqual((await ask("list", "sys/leases/lookup/")).body.data.keys, ["leased/"]);
  assert.deepEqual((await ask("list", "sys/leases/lookup/leased/creds/")).body.data.keys, ["a/"]);
  assert.equal((await ask("list", "sys/leases/lookup/none/")).status, 404);

  advance(50);
  for (const path of ["sys/leases/renew", "sys/renew"]) {
    const { body } = await ask("update", path, { lease_id: first.lease_id, increment: "5m" });
    assert.deepEqual([body.lease_id, body.renewable, body.lease_duration, body.data], [first.lease_id, true, 300, null]);
  }
  assert.equal((await ask("update", `sys/leases/renew/${first.lease_id}`, { increment: 30 })).body.lease_duration, 30);

  assert.equal((await ask("update", "sys/leases/revoke", { lease_id: first.lease_id })).status, 204);
  await expire();
  assert.deepEqual(revoked, ["a"]);
  assert.deepEqual((await ask("update", "sys/leases/lookup", { lease_id: first.lease_id })).body.errors, ["invalid lease"]);
  assert.deepEqual((await ask("update", "sys/leases/renew", { lease_id: first.lease_id })).body.errors, ["lease not found"]);
  assert.equal((await ask("update", "sys/leases/revoke", { lease_id: first.lease_id })).status, 204, "gone is no error");

  await Promise.all(["b", "b", "c"].map((role) => ask("read", `leased/creds/${role}`)));
  assert.equal((await ask("update", "sys/leases/revoke-prefix/leased/creds/b", {})).status, 204);
  await expire();
  assert.deepEqual(revoked, ["a", "b", "b"]);
  advance(61);
  await expire();
  assert.deepEqual(revoked, ["a", "b", "b", "c"], "the rest ends by itself");
  for (const path of ["renew", "revoke", "lookup"]) assert.deepEqual((await ask("update", `sys/leases/${path}`, {})).body.errors, ["lease_id must be specified"]);
  assert.equal((await ask("update", "sys/leases/tidy")).status, 202);
});

test("forced revocation takes back what it can, and forgets the rest", async () => {
  const { ask, store, revoked } = await createRig();
  for (const role of ["a", "b"]) await ask("read", `leased/creds/${role}`);
  const keys = async () => (await store.evaluate((tx) => tx.keys("logical/"))).value.filter((key) => key.includes("/made/"));
  const [lost] = await keys();
  await store.transact((tx) => tx.delete(`logical/${lost!}`));
  assert.match((await ask("update", "sys/leases/revoke-prefix/leased/creds", { sync: true })).body.errors[0], /^failed to revoke "leased\/creds": what was made is not on record$/);
  assert.equal((await ask("update", "sys/leases/revoke-force/leased/creds", {})).status, 204);
  assert.deepEqual([revoked.length, (await store.evaluate((tx) => tx.keys("core/lease/id/"))).value, await keys()], [1, [], []]);
});

test("a token's leases end with it", async () => {
  const { ask, policy, token, advance, expire, revoked } = await createRig();
  await policy("p", 'path "leased/*" { capabilities = ["read"] }');
  await ask("read", "leased/creds/a", undefined, { token: await token(["p"], { ttl: 10 }) });
  advance(11);
  await expire();
  assert.deepEqual(revoked, ["a"]);
});

test("tools: random bytes and sums", async () => {
  const { ask } = await createRig();
  assert.match((await ask("update", "sys/tools/random", { bytes: 4, format: "hex" })).body.data.random_bytes, /^[0-9a-f]{8}$/);
  assert.equal(Buffer.from((await ask("update", "sys/tools/random/5")).body.data.random_bytes, "base64").length, 5);
  assert.equal((await ask("update", "sys/tools/hash/sha2-256", { input: "aGk=" })).body.data.sum, "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4");
  assert.equal((await ask("read", "sys/tools/random")).status, 405);
});

test("status of the node and the cluster: shapes and access", async () => {
  const { ask, node } = await createRig();
  const anyone: Ask = { token: null };
  const health = await ask("read", "sys/health", undefined, anyone);
  assert.deepEqual(Object.keys(health.body), [
    "initialized", "sealed", "standby", "performance_standby", "replication_performance_mode", "replication_dr_mode", "server_time_utc", "version", "cluster_name", "cluster_id", "enterprise", "echo_duration_ms", "clock_skew_ms",
  ]);
  assert.deepEqual(Object.keys((await ask("read", "sys/leader", undefined, anyone)).body), [
    "ha_enabled", "is_self", "active_time", "leader_address", "leader_cluster_address", "performance_standby", "performance_standby_last_remote_wal", "raft_committed_index", "raft_applied_index",
  ]);
  assert.deepEqual((await ask("read", "sys/init", undefined, anyone)).body, { initialized: true });
  const keys = await ask("read", "sys/key-status");
  assert.deepEqual([keys.body.term, keys.body.data.encryptions], [1, 5]);
  assert.deepEqual((await ask("read", "sys/storage/raft/configuration")).body.data.config.servers, [{ node_id: "n1", address: "127.0.0.1:8201", leader: true, protocol_version: "3", voter: true }]);
  assert.deepEqual((await ask("read", "sys/ha-status")).body.nodes.length, 1);
  assert.equal((await ask("update", "sys/rotate")).status, 204);
  for (const path of ["sys/host-info", "sys/in-flight-req", "sys/loggers", "sys/loggers/core", "sys/metrics", "sys/config/state/sanitized", "sys/storage/raft/autopilot/state", "sys/storage/raft/autopilot/configuration", "sys/plugins/catalog", "sys/replication/status"]) {
    assert.equal((await ask("read", path)).status, 200, path);
  }
  assert.deepEqual((await ask("read", "sys/metrics", undefined, { query: { format: "foo" } })).text, 'metric response format "foo" unknown');
  assert.equal((await ask("update", "sys/step-down")).status, 204);
  assert.equal((await ask("read", "sys/health", undefined, anyone)).status, 429);
  assert.equal((await ask("read", "sys/health", undefined, { ...anyone, query: { standbyok: "true" } })).status, 200);
  node.sealed = true;
  assert.equal((await ask("read", "sys/health", undefined, anyone)).status, 503);
  assert.equal((await ask("read", "sys/health", undefined, { ...anyone, query: { sealedcode: "299" } })).status, 299);
});

test("cors and UI headers come back as set", async () => {
  const { ask } = await createRig();
  assert.deepEqual((await ask("read", "sys/config/cors")).body.data, { enabled: false });
  assert.equal((await ask("update", "sys/config/cors", { allowed_origins: "http://a", allowed_headers: "X-A" })).status, 204);
  const cors = (await ask("read", "sys/config/cors")).body;
  assert.deepEqual([cors.enabled, cors.data.allowed_origins, cors.data.allowed_headers.at(-1)], [true, ["http://a"], "X-A"]);
  await ask("delete", "sys/config/cors");
  assert.deepEqual((await ask("read", "sys/config/cors")).body.data, { enabled: false });
  await ask("update", "sys/config/ui/headers/X-Foo", { values: "a" });
  assert.deepEqual((await ask("read", "sys/config/ui/headers/X-Foo")).body.data, { value: "a" });
  assert.deepEqual((await ask("list", "sys/config/ui/headers/")).body.data, { keys: ["X-Foo"] });
});

test("no path of sys/ answers without a token but those declared open, and none that needs sudo answers without it", async () => {
  const { ask, policy, token, node } = await createRig();
  await policy("all", 'path "sys/*" { capabilities = ["create", "read", "update", "delete", "list", "patch"] }');
  const strong = await token(["all"]);
  const plain = await token([]);
  for (const { template, operations } of systemEngine.paths) {
    for (const [name, operation] of Object.entries(operations)) {
      if (operation!.access === "none") continue;
      const path = `sys/${template.replace(/\{\w+(\.\.\.)?\}/g, "x")}${name === "list" && !template.endsWith("/") ? "/" : ""}`;
      const status = async (bearer: string | null) => (await ask(name as Parameters<Rig["ask"]>[0], path, undefined, { token: bearer })).status;
      // A wrapping token is looked at first: it is its own proof.
      const isPrechecked = operation!.precheck !== undefined;
      assert.equal(await status(null), 403, `${name} ${path} without a token`);
      assert.equal(await status(plain), isPrechecked ? 400 : 403, `${name} ${path} without a policy`);
      if (operation!.access === "sudo") assert.equal(await status(strong), 403, `${name} ${path} without sudo`);
    }
  }
  assert.equal(node.sealed, false);
});
