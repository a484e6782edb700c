import assert from "node:assert/strict";
import test from "node:test";
import { found, joinCluster, testNode } from "./testing/test-node.js";
import type { TestNode } from "./testing/test-node.js";

async function call({ address }: TestNode, method: string, path: string, token = ""): Promise<number> {
  const response = await fetch(`${address}/v1/${path}`, { method, headers: { "X-Vault-Token": token }, ...(method === "PUT" && { body: JSON.stringify({ secret_shares: 1, secret_threshold: 1 }) }) });
  await response.arrayBuffer();
  return response.status;
}

test("a listener that closes the share holders' paths wants a token with sudo there, whichever node works on the request", async (t) => {
  const active = await testNode(t, "n1");
  const standby = await testNode(t, "n2", { tokenOnly: ["sys/rekey/", "sys/rekey-recovery-key/", "sys/generate-root/"] });
  const made = await found(active);
  await joinCluster(standby, active, made);
  const { rootToken } = made;
  const as = { token: rootToken };
  await active.ask("update", "sys/policies/acl/plain", { policy: 'path "sys/*" { capabilities = ["create", "read", "update", "delete"] }' }, as);
  const { body } = await active.ask("update", "auth/token/create", { policies: ["plain"] }, as);
  for (const [method, path] of [["GET", "sys/generate-root/attempt"], ["PUT", "sys/generate-root/attempt"], ["DELETE", "sys/generate-root/attempt"], ["GET", "sys/rekey/init"], ["PUT", "sys/rekey/init"], ["DELETE", "sys/rekey/init"], ["DELETE", "sys/rekey/verify"]] as const) {
    assert.equal(await call(standby, method, path), 403, `${method} ${path} without a token`);
    assert.equal(await call(standby, method, path, body.auth.client_token), 403, `${method} ${path} without sudo`);
  }
  // Nothing of it has begun; the active node's own listener is open.
  assert.equal((await (await fetch(`${active.address}/v1/sys/generate-root/attempt`)).json() as { started: boolean }).started, false);
  assert.equal(await call(standby, "PUT", "sys/rekey/init", rootToken), 200);
  assert.equal(await call(standby, "GET", "sys/rekey/init", rootToken), 200);
  assert.equal(await call(active, "DELETE", "sys/rekey/init"), 204);
  assert.equal(await call(standby, "GET", "sys/seal-status"), 200);
});
