import assert from "node:assert/strict";
import { test } from "node:test";
import { createRig } from "../testing/rig.js";
import type { Ask, Rig } from "../testing/rig.js";

/** Policies as requests meet them: through the pipeline, with real tokens. */
async function bearer(rig: Rig, ...policies: string[]) {
  for (const [i, text] of policies.entries()) await rig.policy(`p${i}`, text);
  const token = await rig.token(policies.map((_, i) => `p${i}`));
  return async (operation: Parameters<Rig["ask"]>[0], path: string, body?: unknown, more: Ask = {}) => (await rig.ask(operation, path, body, { token, ...more })).status;
}

const rule = (path: string, capabilities: string, more = "") => `path "${path}" {\n  capabilities = [${capabilities.split(",").map((one) => `"${one}"`).join(", ")}]\n  ${more}\n}\n`;

test("exact paths, * and + decide by Vault's priorities, and deny wins where it is more specific", async () => {
  const rig = await createRig();
  for (const path of ["a", "a/b", "a/b/c", "other/b"]) await rig.ask("update", `kv/${path}`, { x: 1 });
  const status = await bearer(rig, rule("kv/*", "read") + rule("kv/a/b", "deny") + rule("kv/+/b/c", "deny") + rule("kv/a/b/c", "read"));
  assert.deepEqual([await status("read", "kv/a"), await status("read", "kv/a/b"), await status("read", "kv/a/b/c"), await status("read", "kv/other/b")], [200, 403, 200, 200]);
  assert.equal(await status("read", "kv/x/b/c"), 403);
  const plus = await bearer(rig, rule("kv/+/b", "read"));
  assert.deepEqual([await plus("read", "kv/other/b"), await plus("read", "kv/a/b/c"), await plus("read", "kv/b")], [200, 403, 403]);
});

test("a write is a create or an update by whether something is there", async () => {
  const rig = await createRig();
  const creates = await bearer(rig, rule("kv/*", "create"));
  assert.equal(await creates("update", "kv/a", { b: 1 }), 204);
  assert.equal(await creates("update", "kv/a", { b: 2 }), 403);
  const updates = await bearer(rig, rule("kv/*", "update"));
  assert.equal(await updates("update", "kv/a", { b: 2 }), 204);
  assert.equal(await updates("update", "kv/b", { b: 2 }), 403);
  assert.equal(await updates("patch", "kv/a", { b: 2 }), 403);
  const counts = await bearer(rig, rule("counter/*", "create"));
  assert.equal(await counts("update", "counter/next/a", {}), 403, "a path that cannot tell is always updated");
});

test("lists are granted with or without the slash, apart from reads", async () => {
  const rig = await createRig();
  await rig.ask("update", "kv/d/a", { b: 1 });
  for (const path of ["kv/d", "kv/d/", "kv/*", "kv/+/", "kv/+"]) {
    const status = await bearer(rig, rule(path, "list"));
    assert.equal(await status("list", "kv/d/"), 200, path);
    assert.equal(await status("read", "kv/d/a"), 403, path);
  }
});

test("sudo paths need sudo, and it alone is not enough", async () => {
  const rig = await createRig();
  const status = await bearer(rig, rule("sys/audit", "read") + rule("sys/auth", "sudo"));
  assert.equal(await status("read", "sys/audit"), 403);
  assert.equal(await status("read", "sys/auth"), 403);
  const sudo = await bearer(rig, rule("sys/audit", "read,sudo"));
  assert.equal(await sudo("read", "sys/audit"), 200);
});

test("parameters: required, allowed, denied, with globs and lists", async () => {
  const rig = await createRig();
  const allowed = await bearer(rig, rule("kv/*", "create,update", 'allowed_parameters = { "env" = ["dev-*", "*-test", "*mid*"], "size" = [1, 2], "tags" = [["a", "b"]], "any" = [] }'));
  for (const fits of [{ env: "dev-1" }, { ENV: "x-test" }, { env: "amidst" }, { size: 2 }, { tags: ["a", "b"] }, { any: { x: 1 } }, {}]) assert.equal(await allowed("update", "kv/a", fits), 204, JSON.stringify(fits));
  for (const not of [{ env: "prod" }, { env: ["dev-1"] }, { size: 3 }, { size: "1" }, { tags: ["b", "a"] }, { other: 1 }, { any: 1, other: 1 }]) assert.equal(await allowed("update", "kv/a", not), 403, JSON.stringify(not));
  const star = await bearer(rig, rule("kv/*", "create,update", 'allowed_parameters = { "env" = ["*"] }'));
  assert.deepEqual([await star("update", "kv/a", { env: "*" }), await star("update", "kv/a", { env: "dev" })], [204, 403]);
  const others = await bearer(rig, rule("kv/*", "create,update", 'allowed_parameters = { "env" = ["dev"], "*" = [] }'));
  assert.deepEqual([await others("update", "kv/a", { env: "dev", x: 1 }), await others("update", "kv/a", { env: "prod", x: 1 })], [204, 403]);
  const denied = await bearer(rig, rule("kv/*", "create,update", 'denied_parameters = { "ttl" = [], "env" = ["prod-*"] }'));
  assert.deepEqual([await denied("update", "kv/a", { env: "dev" }), await denied("update", "kv/a", { env: "prod-1" }), await denied("update", "kv/a", { TTL: 1 })], [204, 403, 403]);
  assert.deepEqual([await denied("update", "kv/a", { ENV: "prod-1", env: "dev" }), await denied("update", "kv/a", { env: "dev", ENV: "prod-1" })], [403, 403], "two spellings hide nothing");
  const required = await bearer(rig, rule("kv/*", "create,update,patch", 'required_parameters = ["owner"]'));
  assert.deepEqual([await required("update", "kv/a", { owner: "me" }), await required("update", "kv/a", { x: 1 }), await required("patch", "kv/a", {})], [204, 403, 403]);
});

test("a templated path names nobody without an entity: not even its own letters", async () => {
  const rig = await createRig();
  const status = await bearer(rig, rule("kv/{{identity.entity.id}}/*", "read,create") + rule("kv/{{identity.entity.name}}", "read,create") + rule("kv/{{identity.entity.id}}", "deny") + rule("kv/open", "create"));
  for (const path of ["kv/{{identity.entity.id}}/x", "kv/{{identity.entity.name}}", "kv//x", "kv/x"]) assert.equal(await status("read", path), 403, path);
  assert.equal(await status("update", "kv/open", {}), 204);
});

test("root may do everything, the default policy looks after the own token, no policy grants nothing", async () => {
  const rig = await createRig();
  const asWith = async (policies: string[], operation: Parameters<Rig["ask"]>[0], path: string, body?: unknown) => (await rig.ask(operation, path, body, { token: await rig.token(policies) })).status;
  assert.equal(await asWith(["root"], "read", "sys/audit"), 200);
  assert.equal(await asWith(["default"], "update", "sys/capabilities-self", { paths: "a" }), 200);
  assert.equal(await asWith(["default"], "read", "sys/internal/ui/resultant-acl"), 200);
  assert.equal(await asWith(["default"], "update", "sys/tools/hash", { input: "" }), 200);
  assert.equal(await asWith(["default"], "read", "kv/a"), 403);
  assert.equal(await asWith([], "update", "sys/capabilities-self", { paths: "a" }), 403);
  assert.equal(await asWith(["no-such-policy"], "read", "kv/a"), 403);
});

test("an edited or deleted policy counts from the next request on", async () => {
  const rig = await createRig();
  const status = await bearer(rig, rule("kv/*", "read"));
  assert.equal(await status("read", "kv/a"), 404);
  await rig.policy("p0", rule("kv/*", "deny"));
  assert.equal(await status("read", "kv/a"), 403);
  await rig.ask("update", "sys/policies/acl/P0", { policy: rule("kv/*", "read") });
  assert.equal(await status("read", "kv/a"), 404, "names have no case");
  await rig.ask("delete", "sys/policies/acl/p0");
  assert.equal(await status("read", "kv/a"), 403);
});

test("several policies add up; a deny in any of them counts for equal paths", async () => {
  const rig = await createRig();
  const status = await bearer(rig, rule("kv/*", "read"), rule("kv/*", "create"), rule("kv/no", "deny"));
  assert.deepEqual([await status("read", "kv/a"), await status("update", "kv/a", {}), await status("read", "kv/no")], [404, 204, 403]);
});

test("a path with mfa_methods is the active node's to judge, since a code is used up; unknown paths below it tell nothing", async () => {
  const rig = await createRig();
  await rig.policy("ops", 'path "*" {\n  capabilities = ["read"]\n  mfa_methods = ["phone"]\n}');
  const token = await rig.token(["ops"]);
  assert.equal((await rig.ask("read", "kv/a", undefined, { token, active: false })).forward, "write");
  const refused = await rig.ask("read", "kv/a", undefined, { token });
  assert.equal(refused.status, 403);
  assert.match(refused.body.errors[0], /step-up MFA needs a token with an entity/);
  assert.equal((await rig.ask("read", "nowhere/a", undefined, { token })).status, 403);
  assert.deepEqual(rig.problems, []);
});

test("a rule that expires does so for tokens that are in use", async () => {
  const rig = await createRig();
  await rig.ask("update", "kv/a", { x: 1 });
  const status = await bearer(rig, rule("kv/a", "read", `expiration = ${Math.floor(rig.env.now() / 1000) + 60}`));
  assert.equal(await status("read", "kv/a"), 200);
  rig.advance(59);
  assert.equal(await status("read", "kv/a"), 200);
  rig.advance(1);
  assert.equal(await status("read", "kv/a"), 403);
});
