import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import test from "node:test";
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { freePort, motoProgram, startMoto } from "@coffer/counterparts";
import type { AutoSealConfiguration } from "../configuration/types.js";
import { found, joinCluster, testNode, unseal, until } from "../server/testing/test-node.js";
import type { Founded, TestNode } from "../server/testing/test-node.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const fromHex = (keys: readonly string[]) => keys.map((key) => Buffer.from(key, "hex"));
const isSealed = async (node: TestNode): Promise<boolean> => (await node.ask("read", "sys/seal-status")).body.sealed;
const active = (nodes: readonly TestNode[]) =>
  until("a node is active", async () => {
    for (const node of nodes) if ((await node.ask("read", "sys/leader")).body.is_self) return node;
    return undefined;
  });

async function rekey(node: TestNode, shares: readonly Uint8Array[], body: object): Promise<Buffer[]> {
  const { body: { nonce } } = await node.ask("update", "sys/rekey/init", body);
  let last;
  for (const share of shares) last = await node.ask("update", "sys/rekey/update", { key: hex(share), nonce });
  assert.equal(last!.status, 200, JSON.stringify(last!.body));
  return fromHex(last!.body.keys);
}

test("after a rekey through a standby all nodes run on, and only the new shares unseal any of them", async (t) => {
  const first = await testNode(t, "n1");
  const founded = await found(first, 3, 2);
  const second = await testNode(t, "n2");
  const third = await testNode(t, "n3");
  for (const node of [second, third]) await joinCluster(node, first, { ...founded, keys: founded.keys.slice(0, 2) });
  const { rootToken: token } = founded;
  await first.ask("update", "sys/mounts/kv", { type: "kv" }, { token });
  const made = await rekey(second, founded.keys.slice(0, 2), { secret_shares: 2, secret_threshold: 2 });
  await second.ask("update", "kv/a", { v: "after" }, { token });
  await first.ask("update", "sys/rotate", {}, { token });
  for (const node of [first, second, third]) {
    assert.equal(await isSealed(node), false, node.id);
    assert.equal((await node.ask("read", "kv/a", undefined, { token })).body.data?.v, "after", node.id);
  }
  // Another one leads now, with the root key it was handed.
  await first.ask("update", "sys/step-down", {}, { token });
  const leader = await active([second, third]);
  assert.equal((await leader.ask("update", "kv/b", { v: "1" }, { token })).status, 204);
  for (const node of [first, second, third].sort((a, b) => Number(a === leader) - Number(b === leader))) {
    await node.stop();
    await node.start();
    assert.equal((await unseal(node, founded.keys.slice(0, 2))).status, 400, node.id);
    assert.equal((await unseal(node, made)).body.sealed, false, node.id);
  }
  const again = await active([first, second, third]);
  assert.equal((await again.ask("read", "kv/b", undefined, { token })).body.data.v, "1");
  const fourth = await testNode(t, "n4");
  await joinCluster(fourth, again, { keys: made, rootToken: token });
});

test("shares given towards a rekey on one leader count for nothing on the next", async (t) => {
  const first = await testNode(t, "n1");
  const founded = await found(first, 3, 2);
  const second = await testNode(t, "n2");
  const third = await testNode(t, "n3");
  for (const node of [second, third]) await joinCluster(node, first, { ...founded, keys: founded.keys.slice(0, 2) });
  const { body: { nonce } } = await first.ask("update", "sys/generate-root/attempt", {});
  await first.ask("update", "sys/generate-root/update", { key: hex(founded.keys[0]!), nonce });
  await first.ask("update", "sys/step-down", {}, { token: founded.rootToken });
  const leader = await active([second, third]);
  assert.equal((await leader.ask("read", "sys/generate-root/attempt")).body.started, false);
  assert.equal((await first.ask("update", "sys/generate-root/update", { key: hex(founded.keys[1]!), nonce })).status, 400, "forwarded, and refused");
});

/** A door to a server that can be shut: the server keeps its state, and nobody reaches it. */
async function door(t: { after(fn: () => void): void }, target: string): Promise<{ readonly address: string; open(): Promise<void>; shut(): void }> {
  const port = await freePort();
  const { hostname: host, port: to } = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const there = connect(Number(to), host);
    for (const one of [socket, there]) {
      sockets.add(one);
      one.on("error", () => undefined);
    }
    socket.pipe(there).pipe(socket);
  });
  const shut = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  t.after(shut);
  return { address: `http://127.0.0.1:${port}`, open: () => new Promise((resolve) => server.listen(port, "127.0.0.1", resolve)), shut };
}

const initByRecovery = async (node: TestNode, shares = 1, threshold = 1): Promise<Founded> => {
  const { status, body } = await node.ask("update", "sys/init", { recovery_shares: shares, recovery_threshold: threshold });
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual([body.keys, body.keys_base64], [[], []]);
  await until("active", async () => (await node.ask("read", "sys/leader")).body.is_self);
  return { keys: fromHex(body.recovery_keys), rootToken: body.root_token };
};

test("awskms: nodes unseal and join by themselves, wait for a KMS that is away, and serve on when it goes", { skip: motoProgram() === undefined && "moto is not installed" }, async (t) => {
  const moto = await startMoto();
  t.after(() => moto.stop());
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const client = new KMSClient({ endpoint: moto.endpoint, region: "us-east-1", credentials });
  const { KeyMetadata: key } = await client.send(new CreateKeyCommand({}));
  client.destroy();
  const kms = await door(t, moto.endpoint);
  await kms.open();
  const seals: AutoSealConfiguration[] = [{ type: "awskms", name: "awskms", priority: 1, disabled: false, options: { region: "us-east-1", kms_key_id: key!.Arn!, endpoint: kms.address, access_key: "test", secret_key: "test" } }];

  const first = await testNode(t, "n1", { seals });
  assert.equal((await first.ask("update", "sys/init", { secret_shares: 1, secret_threshold: 1 })).body.errors[0], "parameters secret_shares,secret_threshold not applicable to seal type awskms");
  const { keys, rootToken: token } = await initByRecovery(first, 3, 2);
  const { body: status } = await first.ask("read", "sys/seal-status");
  assert.deepEqual([status.type, status.sealed, status.recovery_seal, status.t, status.n, status.migration], ["awskms", false, true, 2, 3, false]);
  const second = await testNode(t, "n2", { seals });
  assert.deepEqual((await second.ask("update", "sys/storage/raft/join", { leader_api_addr: first.address })).body, { joined: true });
  await until("the second node unseals by itself", async () => !(await isSealed(second)));

  kms.shut();
  await second.stop();
  await second.start();
  await until("the second node says why it is sealed", async () => /AWS KMS, key arn:/.test((await second.ask("read", "sys/seal-status")).body.warnings?.[0] ?? ""));
  assert.equal(await isSealed(second), true);
  assert.equal((await first.ask("read", "sys/mounts", undefined, { token })).status, 200, "the first node serves without its KMS");
  await first.node().seals.probe();
  const { body: backends } = await first.ask("read", "sys/seal-backend-status");
  assert.deepEqual([backends.healthy, backends.backends[0].name, backends.fully_wrapped], [false, "awskms", true]);
  const health = await first.ask("read", "sys/health");
  assert.deepEqual([health.status, health.body.unhealthy_seals], [200, ["awskms"]]);
  assert.match((await first.ask("read", "sys/seal-status")).body.warnings[0], /^the seal "awskms" cannot be used since 20.*: this node serves on/);
  const metrics: string = (await first.ask("read", "sys/metrics", undefined, { token, query: { format: "prometheus" } })).body;
  assert.match(metrics, /^coffer_seal_healthy\{[^}]*seal="awskms"[^}]*\} 0$/m);
  assert.match(metrics, /^vault_seal_encrypt_error\{[^}]*seal="awskms"[^}]*\} 1$/m);
  await kms.open();
  await until("the second node unseals once its KMS is back", async () => !(await isSealed(second)));
  await first.node().seals.probe();
  assert.equal((await first.ask("read", "sys/health")).body.unhealthy_seals, undefined);
  assert.equal((await first.ask("read", "sys/seal-status")).body.warnings, undefined);

  // The recovery key is the quorum: for a root token, for another root key, and to unseal what an operator sealed.
  const { body: attempt } = await first.ask("update", "sys/generate-root/attempt", {});
  for (const share of keys.slice(0, 2)) assert.equal((await first.ask("update", "sys/generate-root/update", { key: hex(share), nonce: attempt.nonce })).status, 200);
  assert.equal((await first.ask("update", "sys/rotate/root", {}, { token })).status, 204);
  const { body: begun } = await first.ask("update", "sys/rekey-recovery-key/init", { secret_shares: 1, secret_threshold: 1 });
  let done;
  for (const share of keys.slice(1)) done = await first.ask("update", "sys/rekey-recovery-key/update", { key: hex(share), nonce: begun.nonce });
  const recovery = fromHex(done!.body.keys);
  await until("the second node has the new numbers", async () => (await second.ask("read", "sys/seal-status")).body.n === 1);
  assert.equal((await second.ask("update", "sys/seal", {}, { token })).status, 204);
  assert.equal((await unseal(second, keys.slice(0, 1))).status, 400, "the old recovery key");
  assert.equal((await unseal(second, recovery)).body.sealed, false);
  await second.stop();
  await second.start();
  await until("under the new root key too", async () => !(await isSealed(second)));
});

test("the seal is migrated from key shares to an auto seal and back, on every node, with the same shares", async (t) => {
  const seal: AutoSealConfiguration = { type: "static", name: "static", priority: 1, disabled: false, options: { current_key_id: "1", current_key: randomBytes(32).toString("hex") } };
  const first = await testNode(t, "n1");
  const founded = await found(first, 3, 2);
  const second = await testNode(t, "n2");
  await joinCluster(second, first, { ...founded, keys: founded.keys.slice(0, 2) });
  const shares = founded.keys.slice(1).map(hex);
  const give = async (node: TestNode, migrate: boolean) => {
    let last;
    for (const key of shares) last = await node.ask("update", "sys/unseal", { key, migrate });
    return last!;
  };
  const restart = async (seals: readonly AutoSealConfiguration[]) => {
    for (const node of [first, second]) await node.stop();
    for (const node of [first, second]) node.reseal(seals);
    for (const node of [first, second]) await node.start();
  };

  assert.equal((await first.ask("read", "sys/seal-status")).body.migration, false);
  await restart([seal]);
  const { body: pending } = await first.ask("read", "sys/seal-status");
  assert.deepEqual([pending.type, pending.recovery_seal, pending.sealed, pending.migration, pending.t, pending.n], ["static", true, true, true, 2, 3]);
  assert.deepEqual((await give(first, false)).body.errors, ["migrate option not provided and seal migration is pending"]);
  for (const node of [first, second]) assert.equal((await give(node, true)).body.sealed, false);
  for (const node of [first, second]) await until("migrated", async () => !(await node.ask("read", "sys/seal-status")).body.migration);
  await restart([seal]);
  for (const node of [first, second]) await until("unsealed by itself", async () => !(await isSealed(node)));
  const { body: automatic } = await first.ask("read", "sys/seal-status");
  assert.deepEqual([automatic.recovery_seal, automatic.t, automatic.n, automatic.migration], [true, 2, 3, false]);

  await restart([{ ...seal, disabled: true }]);
  const { body: back } = await first.ask("read", "sys/seal-status");
  assert.deepEqual([back.type, back.recovery_seal, back.migration, back.t, back.n], ["shamir", false, true, 2, 3]);
  assert.equal((await first.ask("update", "sys/unseal", { key: hex(randomBytes(33)), migrate: true })).body.progress, 1);
  assert.equal((await first.ask("update", "sys/unseal", { key: hex(randomBytes(33)), migrate: true })).status, 400);
  assert.equal((await give(first, true)).body.sealed, false);
  // The second node may be told by its operator to migrate before the first has done it, or after.
  assert.equal((await give(second, true)).body.sealed, false);
  await until("migrated back", async () => !(await first.ask("read", "sys/seal-status")).body.migration);
  await second.stop();
  await second.start();
  await until("the second node knows of it", async () => (await second.ask("read", "sys/seal-status")).body.migration === false);
  assert.equal((await give(second, true)).body.sealed, false, "long after it");
  for (const node of [first, second]) assert.equal((await node.ask("read", "sys/seal-status")).body.type, "shamir");
  await restart([]);
  assert.match((await give(first, true)).body.errors[0], /^can't perform a seal migration, no migration seal found: .*unseal without -migrate$/);
  for (const node of [first, second]) assert.equal((await give(node, false)).body.sealed, false);
  assert.equal((await (await active([first, second])).ask("read", "sys/mounts", undefined, { token: founded.rootToken })).status, 200);
});

test("a seal that is added gets the root key, and one that is taken away is no longer needed", async (t) => {
  const seal = (name: string, priority: number): AutoSealConfiguration => ({ type: "static", name, priority, disabled: false, options: { current_key_id: name, current_key: randomBytes(32).toString("hex") } });
  const [a, b] = [seal("a", 1), seal("b", 2)];
  const node = await testNode(t, "n1", { seals: [a] });
  await initByRecovery(node);
  const restarted = async (seals: readonly AutoSealConfiguration[]) => {
    await node.stop();
    node.reseal(seals);
    await node.start();
    return until("each seal has the root key", async () => {
      const { body } = await node.ask("read", "sys/seal-backend-status");
      return body.fully_wrapped && body;
    });
  };
  assert.deepEqual((await restarted([a, b])).backends.length, 2);
  assert.deepEqual((await restarted([b])).backends, [{ name: "b", healthy: true }]);
  await node.stop();
  node.reseal([a]);
  await node.start();
  await until("it says that this seal does not do", async () => /neither current_key_id/.test((await node.ask("read", "sys/seal-status")).body.warnings?.[0] ?? ""));
});

test("a node whose configuration lacks the seal says which one it needs", async (t) => {
  const node = await testNode(t, "n1", { seals: [{ type: "static", name: "static", priority: 1, disabled: false, options: { current_key_id: "1", current_key: randomBytes(32).toString("hex") } }] });
  const { keys } = await initByRecovery(node);
  await node.stop();
  node.reseal([]);
  await node.start();
  assert.match((await unseal(node, keys)).body.errors[0], /wrapped by static: this node's configuration has to name that seal/);
});

test("without recovery keys there is no quorum, until somebody with a token makes them", async (t) => {
  const seal: AutoSealConfiguration = { type: "static", name: "static", priority: 1, disabled: false, options: { current_key_id: "1", current_key: randomBytes(32).toString("hex") } };
  const node = await testNode(t, "n1", { seals: [seal] });
  assert.match((await node.ask("update", "sys/init", { recovery_shares: 0, recovery_threshold: 1 })).body.errors[0], /invalid recovery configuration: shares must be at least one/);
  const { body: made } = await node.ask("update", "sys/init", { recovery_shares: 0, recovery_threshold: 0 });
  assert.deepEqual([made.keys, made.recovery_keys], [[], []]);
  await until("active", async () => (await node.ask("read", "sys/leader")).body.is_self);
  const token = made.root_token as string;
  const { body: status } = await node.ask("read", "sys/seal-status");
  assert.deepEqual([status.sealed, status.t, status.n], [false, 0, 0]);
  for (const path of ["sys/generate-root/attempt", "sys/rekey/init", "sys/rekey-recovery-key/init"]) {
    const { status: code, body } = await node.ask("update", path, path.includes("root") ? {} : { secret_shares: 1, secret_threshold: 1 });
    assert.deepEqual([code, /there are no recovery keys/.test(body.errors[0])], [400, true], path);
  }
  assert.equal((await node.ask("update", "sys/rotate/recovery/init", { secret_shares: 2, secret_threshold: 2 })).status, 403);
  assert.equal((await node.ask("update", "sys/seal", {}, { token })).status, 204);
  assert.match((await unseal(node, [randomBytes(32)])).body.errors[0], /there are no recovery keys/);
  await node.stop();
  await node.start();
  await until("unsealed by itself", async () => (await node.ask("read", "sys/leader")).body.is_self);

  const { body: keys } = await node.ask("update", "sys/rotate/recovery/init", { secret_shares: 2, secret_threshold: 2 }, { token });
  assert.deepEqual([keys.data.complete, keys.data.keys.length], [true, 2]);
  const { body: attempt } = await node.ask("update", "sys/generate-root/attempt", {});
  let last;
  for (const key of keys.data.keys as string[]) last = await node.ask("update", "sys/generate-root/update", { key, nonce: attempt.nonce });
  assert.equal(last!.body.complete, true);
  // From here on their holders decide.
  assert.equal((await node.ask("update", "sys/rotate/recovery/init", { secret_shares: 1, secret_threshold: 1 }, { token })).body.data.complete, undefined);
});
