import assert from "node:assert/strict";
import { test } from "node:test";
import { createRig } from "../testing/rig.js";

const DENIED = { errors: ["1 error occurred:\n\t* permission denied\n\n"] };
const BAD_TOKEN = { errors: ["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"] };
const ENVELOPE = ["request_id", "lease_id", "renewable", "lease_duration", "data", "wrap_info", "warnings", "auth", "mount_type"];

test("an answer has all keys of the envelope, in Vault's order, and exactly Vault's content type", async () => {
  const { ask } = await createRig();
  await ask("update", "kv/a", { b: 1 });
  const { status, body, contentType } = await ask("read", "kv/a");
  assert.equal(status, 200);
  assert.equal(contentType, "application/json");
  assert.deepEqual(Object.keys(body), ENVELOPE);
  const { request_id: id, ...rest } = body;
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.deepEqual(rest, { lease_id: "", renewable: false, lease_duration: 0, data: { b: 1 }, wrap_info: null, warnings: null, auth: null, mount_type: "kv" });
});

test("numbers beyond 2^53 come back with all their digits", async () => {
  const { ask } = await createRig();
  await ask("update", "kv/a", '{"n":12345678901234567890}');
  assert.match((await ask("read", "kv/a")).text, /"data":\{"n":12345678901234567890\}/);
});

test("no content is 204 without a body; a miss is 404 with an empty list of errors", async () => {
  const { ask } = await createRig();
  const written = await ask("update", "kv/a", { b: 1 });
  assert.deepEqual([written.status, written.text, written.contentType], [204, "", ""]);
  for (const missed of [await ask("read", "kv/none"), await ask("list", "kv/none/")]) assert.deepEqual([missed.status, missed.text], [404, '{"errors":[]}\n']);
});

test("a path that nobody serves: 404 by what is missing, 403 for who may not know", async () => {
  const { ask, token, policy } = await createRig();
  await policy("p", 'path "kv/*" { capabilities = ["read"] }\npath "counter/*" { capabilities = ["read"] }');
  const limited = await token(["p"]);
  assert.deepEqual((await ask("read", "nope/x")).body, { errors: ['no handler for route "nope/x". route entry not found.'] });
  assert.deepEqual((await ask("read", "sys/nothing")).body, { errors: ["1 error occurred:\n\t* unsupported path\n\n"] });
  assert.equal((await ask("read", "sys/nothing")).status, 404);
  const known = await ask("read", "counter/nothing", undefined, { token: limited });
  assert.deepEqual([known.status, known.body], [404, { errors: ["1 error occurred:\n\t* unsupported path\n\n"] }]);
  for (const path of ["nope/x", "sys/nothing", "sys/mounts"]) {
    const refused = await ask("read", path, undefined, { token: limited });
    assert.deepEqual([refused.status, refused.body], [403, DENIED], path);
    assert.deepEqual((await ask("read", path, undefined, { token: null })).body, { errors: ["permission denied"] }, path);
    assert.deepEqual((await ask("read", path, undefined, { token: "hvs.no" })).body, BAD_TOKEN, path);
  }
});

test("an operation that a path does not know is 405, once it is allowed", async () => {
  const { ask, token } = await createRig();
  const wrong = await ask("update", "sys/mounts", {});
  assert.deepEqual([wrong.status, wrong.body], [405, { errors: ["1 error occurred:\n\t* unsupported operation\n\n"] }]);
  assert.equal((await ask("read", "sys/policies/acl")).status, 405);
  assert.equal((await ask("update", "sys/mounts", {}, { token: await token(["default"]) })).status, 403);
});

test("ignored and replaced parameters are told, but only beside content", async () => {
  const { ask } = await createRig();
  const { body } = await ask("update", "counter/next/a", { name: "b", zz: 1, by: 2, aa: 1 });
  assert.deepEqual(body.warnings, ["Endpoint ignored these unrecognized parameters: [aa zz]", "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [name]"]);
  assert.equal(body.data.count, 2);
  assert.equal((await ask("update", "sys/policies/acl/p", { policy: 'path "x" { capabilities = ["read"] }', zz: 1 })).status, 204);
});

test("dual answers carry their members twice, and never over the envelope's own", async () => {
  const { ask } = await createRig();
  const { body } = await ask("read", "counter/two");
  assert.deepEqual(Object.keys(body), [...ENVELOPE, "a"]);
  assert.deepEqual([body.a, body.data, body.warnings], [1, { a: 1, data: "shadow" }, ["mind the gap"]]);
});

test("bodies: JSON whatever it is called, forms, and the ways they go wrong", async () => {
  const { ask } = await createRig();
  const form = { contentType: "application/x-www-form-urlencoded" };
  await ask("update", "kv/a", '{"b":1}', form);
  assert.deepEqual((await ask("read", "kv/a")).body.data, { b: 1 });
  await ask("update", "kv/a", "b=1&c=x%20y&b=2", form);
  assert.deepEqual((await ask("read", "kv/a")).body.data, { b: "1,2", c: "x y" });
  for (const bad of ["{bad", "[1]", '"x"', '{"a":1}}']) {
    const { status, body } = await ask("update", "kv/a", bad);
    assert.equal(status, 400);
    assert.match(body.errors[0], /^failed to parse JSON input/);
  }
  assert.equal((await ask("update", "kv/a", `{"a":${"[".repeat(400)}${"]".repeat(400)}}`)).status, 400);
  assert.equal((await ask("update", "kv/a", `{"a":${"[".repeat(400)}`)).status, 400);
  assert.equal((await ask("update", "kv/a", `{"a":"${"[".repeat(400)}"}`)).status, 204);
  assert.equal((await ask("update", "kv/a", `{"a":"${"x".repeat(33 * 1024 * 1024)}"}`)).status, 413);
  assert.deepEqual((await ask("update", "kv/dir/", { a: 1 }, { token: null })).body, { errors: ["cannot write to a path ending in '/'"] });
  const patch = await ask("patch", "kv/a", { a: 1 }, { contentType: "application/json" });
  assert.deepEqual([patch.status, patch.body], [415, { errors: ["PATCH requires Content-Type of application/merge-patch+json, provided application/json"] }]);
  assert.equal((await ask("patch", "kv/a", { a: 1 })).status, 204);
});

test("a failed handler commits nothing, and an unforeseen error tells nothing", async () => {
  const { ask, problems } = await createRig();
  assert.deepEqual((await ask("read", "counter/fail/politely")).body, { errors: ["cannot do politely"] });
  const { status, body } = await ask("read", "counter/fail/badly");
  assert.deepEqual([status, body], [500, { errors: ["internal error"] }]);
  assert.match(String(problems[0]), /secret detail/);
  assert.deepEqual((await ask("update", "counter/next/a", { by: "far" })).status, 400);
});

test("the error for a sensitive field does not repeat its value", async () => {
  const { ask } = await createRig();
  const { status, text } = await ask("update", "counter/next/a", { note: "s3cr3t" });
  assert.equal(status, 400);
  assert.doesNotMatch(text, /s3cr3t/);
});

test("?help=1 describes paths and mounts without an envelope, to every token", async () => {
  const { ask, token } = await createRig();
  const any = await token([]);
  const path = await ask("help", "counter/next/x", undefined, { token: any });
  assert.equal(path.status, 200);
  assert.deepEqual(Object.keys(path.body), ["help", "openapi"]);
  assert.match(path.body.help, /Matching Route: counter\/next\/\{name\}/);
  assert.match((await ask("help", "counter", undefined, { token: any })).body.help, /## PATHS/);
  assert.match((await ask("help", "kv/")).body.help, /Keeps values/);
  assert.deepEqual((await ask("help", "sys/nothing")).body, { errors: ["1 error occurred:\n\t* unsupported path\n\n"] });
  assert.deepEqual((await ask("help", "nope/x")).body, { errors: ['no handler for route "nope/x". route entry not found.'] });
  assert.equal((await ask("help", "kv/x", undefined, { token: null })).status, 403);
});

test("two writers of one key both count: the loser is evaluated again", async () => {
  const { ask } = await createRig();
  const counts = await Promise.all(Array.from({ length: 10 }, () => ask("update", "counter/next/a", {})));
  assert.deepEqual(counts.map(({ body }) => body.data.count).sort((a, b) => a - b), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test("a read answers at once, without a promise, as long as nothing is audited", async () => {
  const { ask, handle } = await createRig();
  await ask("update", "kv/a", { b: 1 });
  assert.equal(handle("read", "kv/a") instanceof Promise, false);
  await ask("update", "sys/audit/d", { type: "file", options: { file_path: "discard" } });
  assert.equal(handle("read", "kv/a") instanceof Promise, true);
});

test("a limited token counts down in the request's own write set, and on failures too", async () => {
  const { ask, token, policy, store } = await createRig();
  await policy("p", 'path "kv/*" { capabilities = ["create", "read", "update"] }');
  const two = await token(["p"], { numUses: 2 });
  const before = store.index();
  assert.equal((await ask("update", "kv/a", { b: 1 }, { token: two })).status, 204);
  assert.equal(store.index(), before + 1, "one entry holds both");
  assert.equal((await ask("read", "sys/mounts", undefined, { token: two })).status, 403, "a refused request is a use");
  assert.deepEqual((await ask("read", "kv/a", undefined, { token: two })).body, BAD_TOKEN);
  const one = await token(["p"], { numUses: 1 });
  const both = await Promise.all([ask("read", "kv/a", undefined, { token: one }), ask("read", "kv/a", undefined, { token: one })]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 403], "two at once do not share one use");
});

test("a handler sees its token with this use spent, and what it makes of the token stands", async () => {
  const { ask, token } = await createRig();
  const three = await token(["default"], { numUses: 3 });
  assert.deepEqual((await ask("read", "auth/token/lookup-self", undefined, { token: three })).body.data.num_uses, 2);
  assert.equal((await ask("update", "auth/token/renew-self", undefined, { token: three })).status, 204);
  const { data } = (await ask("read", "auth/token/lookup-self", undefined, { token: three })).body;
  assert.equal(data.ttl, 86_400);
  assert.deepEqual((await ask("read", "auth/token/lookup-self", undefined, { token: three })).body, BAD_TOKEN);
});

test("the last use of a token cannot take a leased secret along", async () => {
  const { ask, token, policy, expire, revoked } = await createRig();
  await policy("p", 'path "leased/*" { capabilities = ["read"] }');
  const { status, body } = await ask("read", "leased/creds/a", undefined, { token: await token(["p"], { numUses: 1 }) });
  assert.deepEqual([status, body], [400, { errors: ["Secret cannot be returned; token had one use left, so leased credentials were immediately revoked."] }]);
  await expire();
  assert.deepEqual(revoked, ["a"]);
});

test("expired tokens and tokens of other networks are bad tokens", async () => {
  const { ask, token, policy, advance } = await createRig();
  await policy("p", 'path "kv/*" { capabilities = ["read"] }');
  const short = await token(["p"], { ttl: 10 });
  const bound = await token(["p"], { boundCidrs: ["10.0.0.0/8"] });
  assert.equal((await ask("read", "kv/none", undefined, { token: short })).status, 404);
  assert.equal((await ask("read", "kv/none", undefined, { token: bound, remoteAddress: "10.1.2.3" })).status, 404);
  assert.deepEqual((await ask("read", "kv/none", undefined, { token: bound, remoteAddress: "192.168.0.1" })).body, BAD_TOKEN);
  advance(11);
  assert.deepEqual((await ask("read", "kv/none", undefined, { token: short })).body, BAD_TOKEN);
});

test("a standby reads, and forwards what writes: declared, found out, wrapped or counted", async () => {
  const { ask, token, store } = await createRig();
  await ask("update", "kv/a", { b: 1 });
  const before = store.index();
  const standby = { active: false };
  assert.equal((await ask("read", "kv/a", undefined, standby)).status, 200);
  assert.equal((await ask("read", "kv/a", undefined, { ...standby, token: null })).status, 403);
  assert.equal((await ask("update", "kv/a", { b: 2 }, standby)).forward, "write");
  assert.equal((await ask("read", "counter/next/a", undefined, standby)).forward, "write");
  assert.equal((await ask("read", "counter/next/a", undefined, { ...standby, query: { by: "0" } })).status, 200, "it did not have to write");
  assert.equal((await ask("read", "kv/a", undefined, { ...standby, headers: { "x-vault-wrap-ttl": "60" } })).forward, "write");
  assert.equal((await ask("read", "sys/key-status", undefined, standby)).forward, "active-only");
  assert.equal(store.index(), before, "nothing was written");
  const limited = await token(["root"], { numUses: 1 });
  assert.equal((await ask("read", "kv/a", undefined, { ...standby, token: limited })).forward, "write");
  assert.equal((await ask("read", "nope/a", undefined, { ...standby, token: limited })).forward, "write");
  assert.equal((await ask("update", "sys/seal", undefined, { ...standby, token: limited })).status, 400, "this node's own paths are never forwarded");
  assert.equal((await ask("read", "kv/a", undefined, { token: limited })).status, 200, "none of that was a use");
});

test("a sealed node answers status, and 503 to everything else", async () => {
  const { ask, node, core } = await createRig();
  assert.equal((await ask("update", "sys/seal")).status, 204);
  assert.equal(node.sealed, true);
  for (const reply of [await ask("read", "kv/a"), await ask("help", "kv/a"), await ask("read", "sys/mounts")]) assert.deepEqual([reply.status, reply.body], [503, { errors: ["Vault is sealed"] }]);
  assert.throws(() => core.describe({ path: "kv/a", operation: "read" }), /Vault is sealed/);
  assert.equal((await ask("head", "sys/health", undefined, { token: null })).status, 503);
  assert.equal((await ask("read", "sys/seal-status", undefined, { token: null })).body.sealed, true);
  assert.equal((await ask("update", "sys/unseal", { key: "00" }, { token: null })).body.sealed, false);
  assert.equal((await ask("update", "kv/a", { b: 1 })).status, 204);
});

test("what a request asks for is told before it is evaluated", async () => {
  const { core } = await createRig();
  const tell = (operation: "read" | "update", path: string) => core.describe({ operation, path });
  assert.deepEqual(tell("read", "kv/a"), { effect: "read", whileSealed: false, thisNode: false, activeOnly: false, rawBody: false });
  assert.equal(tell("update", "kv/a")!.effect, "write");
  assert.equal(tell("read", "sys/health")!.whileSealed, true);
  assert.equal(tell("update", "sys/storage/raft/snapshot")!.rawBody, true);
  assert.equal(tell("read", "nope/a"), undefined);
});

test("a path that its listener opened needs no token, and no other does", async () => {
  const { ask } = await createRig();
  const open = { token: null, openPaths: ["sys/metrics"] };
  assert.equal((await ask("read", "sys/metrics", undefined, open)).status, 200);
  assert.match((await ask("read", "sys/metrics", undefined, { ...open, query: { format: "prometheus" } })).text, /^vault_core_unsealed 1/);
  assert.equal((await ask("read", "sys/host-info", undefined, open)).status, 403);
  assert.equal((await ask("read", "sys/metrics", undefined, { token: null })).status, 403);
});

test("a login makes a token that works, and its lease fields are the token's", async () => {
  const { ask, policy } = await createRig();
  await policy("staff", 'path "kv/*" { capabilities = ["read"] }');
  assert.equal((await ask("update", "auth/login/login/bob", { password: "no" }, { token: null })).status, 400);
  const { body } = await ask("update", "auth/login/login/bob", { password: "let-me-in" }, { token: null });
  assert.equal(body.data, null);
  assert.deepEqual(Object.keys(body.auth), ["client_token", "accessor", "policies", "token_policies", "metadata", "lease_duration", "renewable", "entity_id", "token_type", "orphan", "mfa_requirement", "num_uses"]);
  assert.deepEqual(body.auth.policies, ["default", "staff"]);
  assert.deepEqual([body.auth.lease_duration, body.auth.metadata, body.mount_type], [3600, { name: "bob" }, "login"]);
  assert.equal((await ask("read", "kv/a", undefined, { token: body.auth.client_token })).status, 404);
});
