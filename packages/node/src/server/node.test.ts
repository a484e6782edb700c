import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { jsonCodec } from "@coffer/state-machine";
import { found, joinCluster, temporaryFolder, testNode, unseal, until } from "./testing/test-node.js";

test("with an audit device that cannot be written a node does not become active, and serves nothing that should be recorded", async (t) => {
  const folder = temporaryFolder(t);
  const device = (file: string) => [{ path: "file/", type: "file", description: "", options: { file_path: file } }];
  const broken = await testNode(t, "n1", { auditDevices: device(join(folder, "not", "there", "audit.log")) });
  const made = (await broken.ask("update", "sys/init", { secret_shares: 1, secret_threshold: 1 })).body as { keys: string[]; root_token: string };
  await unseal(broken, [Buffer.from(made.keys[0]!, "hex")]);
  await until("it leads consensus", () => broken.node().service.barrier.sealed() === false);
  const { body } = await broken.ask("read", "sys/leader");
  assert.deepEqual([body.is_self, body.leader_address], [false, ""]);
  const refused = await broken.ask("read", "sys/mounts", undefined, { token: made.root_token, headers: { "x-vault-no-request-forwarding": "1" } });
  assert.ok(refused.status >= 400, "nothing is served that the device should have recorded");
});

test("writes through a standby survive the orderly end of the active node, and clients learn where that is", async (t) => {
  const nodes = [await testNode(t, "n1"), await testNode(t, "n2"), await testNode(t, "n3")] as const;
  const [n1, n2, n3] = nodes;
  const made = await found(n1);
  await joinCluster(n2, n1, made);
  await joinCluster(n3, n1, made);
  const as = { token: made.rootToken };
  assert.equal((await n2.ask("update", "sys/mounts/kv", { type: "kv" }, as)).status, 204);
  const redirected = await n2.ask("update", "kv/a", { v: "1" }, { ...as, headers: { "x-vault-no-request-forwarding": "1" } });
  assert.deepEqual([redirected.status, redirected.headers["Location"]], [307, `${n1.address}/v1/kv/a`]);

  // As run-server stops it, under writes through a standby: not one of them fails.
  let isOver = false;
  let last = 0;
  const writing = (async () => {
    while (!isOver) {
      const { status, body } = await n2.ask("update", "kv/a", { v: `${++last}` }, as);
      assert.equal(status, 204, `write ${last}: ${JSON.stringify(body)}`);
    }
  })();
  await n1.node().stepDown();
  await n1.stop();
  await until("another is active", async () => (await n3.ask("read", "sys/leader")).body.leader_address !== n1.address);
  isOver = true;
  await writing;
  assert.equal((await n3.ask("read", "kv/a", undefined, as)).body.data.v, `${last}`);
});

test("sealing the active node hands over to another; unsealed again it follows", async (t) => {
  const [n1, n2] = [await testNode(t, "n1"), await testNode(t, "n2")];
  const made = await found(n1);
  await joinCluster(n2, n1, made);
  const as = { token: made.rootToken };
  assert.equal((await n1.ask("update", "sys/seal", {}, as)).status, 204);
  assert.equal((await n1.ask("read", "sys/mounts", undefined, as)).status, 503);
  await until("n2 is active", async () => (await n2.ask("read", "sys/leader")).body.is_self);
  assert.equal((await n2.ask("update", "sys/rotate", {}, as)).status, 204);
  await unseal(n1, made.keys);
  assert.equal((await n1.ask("update", "sys/mounts/kv", { type: "kv" }, as)).status, 204, "through the standby, under the new term");
  assert.equal((await n1.ask("read", "sys/key-status", undefined, as)).body.data.term, 2);
});

test("a cluster that was initialised without identity/ has it as soon as a node is active", async (t) => {
  const n1 = await testNode(t, "n1");
  const made = await found(n1);
  const as = { token: made.rootToken };
  const { uuid } = (await n1.ask("read", "sys/mounts/identity", undefined, as)).body.data;
  const index = jsonCodec<Record<string, string>>();
  await n1.node().service.store.transact((tx) => {
    const core = tx.scoped("core/");
    const { "identity/": _, ...others } = core.get("mounts/index", index)!;
    core.put("mounts/index", index, others);
    core.delete(`mounts/row/${uuid}`);
  });
  assert.equal((await n1.ask("update", "identity/entity", { name: "ann" }, as)).status, 404);
  await n1.stop();
  await n1.start();
  await unseal(n1, made.keys);
  await until("the mount is there", async () => (await n1.ask("read", "sys/mounts/identity", undefined, as)).status === 200);
  assert.equal((await n1.ask("update", "identity/entity", { name: "ann" }, as)).status, 200);
  const paths = Object.keys((await n1.ask("read", "sys/mounts", undefined, as)).body.data);
  assert.deepEqual(paths, ["cubbyhole/", "identity/", "sys/"]);
});
