import assert from "node:assert/strict";
import { test } from "node:test";
import { found, testNode, unseal, until } from "./testing/test-node.js";

test("who is locked out stays so when another node, or this one anew, becomes active", async (t) => {
  const node = await testNode(t, "n1");
  const { keys, rootToken: token } = await found(node);
  const login = async (password: string) => (await node.ask("update", "auth/userpass/login/alice", { password })).status;
  assert.equal((await node.ask("update", "sys/auth/userpass", { type: "userpass" }, { token })).status, 204);
  assert.equal((await node.ask("update", "auth/userpass/users/alice", { password: "right" }, { token })).status, 204);
  assert.equal(await login("right"), 200);
  for (let i = 0; i < 5; i++) assert.equal(await login("wrong"), 400);
  assert.equal(await login("right"), 403);
  await node.stop();
  await node.start();
  await unseal(node, keys);
  await until("the node is active", async () => (await node.ask("read", "sys/leader")).body.is_self);
  assert.equal(await login("right"), 403);
  const { accessor } = (await node.ask("read", "sys/auth/userpass", undefined, { token })).body.data;
  assert.equal((await node.ask("update", `sys/locked-users/${accessor}/unlock/alice`, undefined, { token })).status, 204);
  assert.equal(await login("right"), 200);
});
