import assert from "node:assert/strict";
import { test } from "node:test";
import { createRig } from "../testing/rig.js";

const POLICY = 'length = 12\nrule "charset" {\n  charset = "abc"\n  min-chars = 2\n}\nrule "charset" {\n  charset = "0123"\n}\n';

test("a password policy is written, read as it was written, listed, used and deleted", async () => {
  const { ask } = await createRig();
  assert.equal((await ask("list", "sys/policies/password/")).status, 404);
  assert.equal((await ask("read", "sys/policies/password/p")).status, 404);
  assert.equal((await ask("update", "sys/policies/password/p", { policy: POLICY })).status, 204);
  assert.equal((await ask("read", "sys/policies/password/p")).body.data.policy, POLICY);
  assert.deepEqual((await ask("list", "sys/policies/password/")).body.data, { keys: ["p"] });
  const passwords = new Set<string>();
  for (let i = 0; i < 5; i++) passwords.add((await ask("read", "sys/policies/password/p/generate")).body.data.password as string);
  assert.equal(passwords.size, 5);
  for (const password of passwords) assert.match(password, /^(?=.*[abc].*[abc])[abc0123]{12}$/);
  assert.equal((await ask("delete", "sys/policies/password/p")).status, 204);
  for (const path of ["sys/policies/password/p", "sys/policies/password/p/generate"]) {
    const { status, body } = await ask("read", path);
    assert.deepEqual([status, body.errors], [404, ["1 error occurred:\n\t* policy does not exist\n\n"]]);
  }
});

test("names of password policies may have folders", async () => {
  const { ask } = await createRig();
  assert.equal((await ask("update", "sys/policies/password/team/a", { policy: POLICY })).status, 204);
  assert.equal((await ask("read", "sys/policies/password/team/a")).body.data.policy, POLICY);
  assert.equal(typeof (await ask("read", "sys/policies/password/team/a/generate")).body.data.password, "string");
  assert.equal((await ask("read", "sys/policies/password/team/b/generate")).status, 404);
  assert.deepEqual((await ask("list", "sys/policies/password/")).body.data, { keys: ["team/"] });
  assert.equal((await ask("delete", "sys/policies/password/team/a")).status, 204);
  assert.equal((await ask("read", "sys/policies/password/team/a")).status, 404);
});

test("a password policy may come in base64", async () => {
  const { ask } = await createRig();
  assert.equal((await ask("update", "sys/policies/password/p", { policy: Buffer.from(POLICY).toString("base64") })).status, 204);
  assert.equal((await ask("read", "sys/policies/password/p")).body.data.policy, POLICY);
});

test("a bad password policy is refused, and what was there stays", async () => {
  const { ask } = await createRig();
  await ask("update", "sys/policies/password/p", { policy: POLICY });
  assert.deepEqual((await ask("update", "sys/policies/password/p", {})).body.errors, ["1 error occurred:\n\t* missing policy\n\n"]);
  const { status, body } = await ask("update", "sys/policies/password/p", { policy: "length = 20" });
  assert.deepEqual([status, body.errors], [400, ["1 error occurred:\n\t* invalid password policy: 1 error occurred:\n\t* no charset specified\n\n\n\n"]]);
  assert.equal((await ask("read", "sys/policies/password/p")).body.data.policy, POLICY);
});

test("password policies obey policies", async () => {
  const { ask, policy, token } = await createRig();
  await ask("update", "sys/policies/password/p", { policy: POLICY });
  await policy("generate", 'path "sys/policies/password/+/generate" { capabilities = ["read"] }');
  const bearer = { token: await token(["generate"]) };
  assert.equal((await ask("read", "sys/policies/password/p/generate", undefined, bearer)).status, 200);
  assert.equal((await ask("read", "sys/policies/password/p", undefined, bearer)).status, 403);
  assert.equal((await ask("update", "sys/policies/password/p", { policy: POLICY }, bearer)).status, 403);
});
