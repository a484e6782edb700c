import assert from "node:assert/strict";
import test from "node:test";
import { ApiError } from "@coffer/client";
import { startCluster } from "./harness/cluster.js";
import type { TestCluster } from "./harness/cluster.js";
import type { NodeProcess } from "./harness/node-process.js";
import { coffer } from "./harness/run-command.js";
import { until } from "./harness/until.js";

interface After {
  after(fn: () => Promise<void>): void;
}

async function started(t: After, options: Parameters<typeof startCluster>[0]): Promise<TestCluster> {
  const cluster = await startCluster(options);
  t.after(() => cluster.stop());
  return cluster;
}

/** As operators do it, by the commands. */
async function recoveryToken(cluster: TestCluster, node: NodeProcess): Promise<string> {
  const cli = async (...args: string[]) => {
    const { code, stdout, stderr } = await coffer(["operator", "generate-root", "-recovery-token", "-format=json", ...args], { VAULT_ADDR: node.address, HOME: cluster.folder });
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Record<string, string>;
  };
  const { otp } = await cli("-generate-otp");
  const { nonce } = await cli("-init", `-otp=${otp}`);
  let last: Record<string, unknown> = {};
  for (const key of cluster.keys.slice(0, 2)) last = await cli(`-nonce=${nonce}`, key);
  assert.deepEqual([last["complete"], last["encoded_root_token"]], [true, ""]);
  const { token } = await cli(`-decode=${String(last["encoded_token"])}`, `-otp=${otp}`);
  assert.match(token!, /^hvr\.\w{24}$/);
  return token!;
}

/** Whatever the mode. */
const answers = (cluster: TestCluster, node: NodeProcess) =>
  until(`${node.id} answers`, 60_000, () => cluster.client(node).request("GET", "sys/seal-status").then(() => true, (error: unknown) => error instanceof ApiError)).catch((cause: unknown) => {
    throw new Error(`${String(cause)}\n${node.log().split("\n").slice(-15).join("\n")}`);
  });
const refused = (promise: Promise<unknown>, status: number, text: RegExp) =>
  assert.rejects(promise, (error: unknown) => error instanceof ApiError && error.status === status && text.test(error.message));

test("one node of three is mended in recovery mode, and a cluster is formed anew around it", async (t) => {
  const cluster = await started(t, { nodes: 3 });
  const [first, second, third] = cluster.nodes as [NodeProcess, NodeProcess, NodeProcess];
  await cluster.client(first).request("POST", "secret/data/kept", { body: { data: { n: 1 } } });
  await until("the first has it", 60_000, async () => (await cluster.client(first).request("GET", "secret/data/kept")).data);
  for (const node of cluster.nodes) await node.end("SIGTERM");

  first.start(["-recovery"]);
  await answers(cluster, first);
  assert.match(first.log(), /recovery mode: nothing is served but sys\/raw, with a token that coffer operator generate-root -recovery-token makes/);
  const before = cluster.client(first);
  await refused(before.request("GET", "sys/raw/core/cluster"), 503, /sealed/);
  const token = await recoveryToken(cluster, first);
  const raw = before.with({ token });
  await refused(before.request("LIST", "sys/raw"), 403, /permission denied/);
  for (const path of ["secret/data/kept", "sys/seal-status", "sys/mounts", "sys/generate-root/attempt"]) await refused(raw.request("GET", path), 404, /runs in recovery mode/);
  await refused(raw.request("GET", "sys/generate-recovery-token/attempt"), 400, /already unsealed/);
  assert.deepEqual((await raw.request<{ keys: string[] }>("LIST", "sys/raw")).data.keys, ["core/", "logical/"]);
  for (const path of ["core/keyring", "core/root-key", "core/root-key-handover", "core/cluster"]) {
    await refused(raw.request("GET", `sys/raw/${path}`), 400, /cannot access/);
    await refused(raw.request("PUT", `sys/raw/${path}`, { body: { value: "x" } }), 400, /cannot access/);
    await refused(raw.request("DELETE", `sys/raw/${path}`), 400, /cannot access/);
  }
  // What an operator came for: a policy that locks everybody out is taken away, and a value is mended.
  const stored = await raw.request<{ value: string }>("GET", "sys/raw/core/policy/acl/default");
  await raw.request("PUT", "sys/raw/core/policy/acl/mended", { body: { value: stored.data.value } });
  await raw.request("PUT", "sys/raw/logical/mine/packed", { body: { value: Buffer.from("packed").toString("base64"), encoding: "base64", compression_type: "gzip" } });
  assert.equal((await raw.request<{ value: string }>("GET", "sys/raw/logical/mine/packed")).data.value, "packed");
  await raw.request("DELETE", "sys/raw/logical/mine/packed");
  await refused(raw.request("GET", "sys/raw/logical/mine/packed"), 404, /./);
  assert.equal(await first.end("SIGTERM"), 0);

  // The others have not heard of it: with what they hold, they are a cluster of their own and cannot reach the first.
  first.start();
  second.start();
  for (const node of [first, second]) await answers(cluster, node);
  await cluster.unseal(first);
  const servers = async () => (await cluster.client(first).request<{ config: { servers: { node_id: string; voter: boolean }[] } }>("GET", "sys/storage/raft/configuration")).data.config.servers;
  assert.deepEqual((await servers()).map(({ node_id }) => node_id), ["node-1"]);
  assert.match((await cluster.client(first).request<{ policy: string }>("GET", "sys/policies/acl/mended")).data.policy, /lookup-self/);
  await until("the second is refused as of another cluster", 60_000, () => /another cluster/.test(second.log()));

  await second.end("SIGKILL");
  for (const node of [second, third]) {
    node.wipe();
    node.start();
    await cluster.unseal(node);
  }
  await until("all vote again", 60_000, async () => (await servers()).filter(({ voter }) => voter).length === 3);
  for (const node of cluster.nodes) {
    assert.deepEqual((await cluster.client(node).request<{ data: { n: number } }>("GET", "secret/data/kept")).data.data, { n: 1 }, node.id);
    assert.equal((await cluster.client(node).send("GET", "sys/policies/acl/mended")).status, 200, node.id);
  }
});

test("recovery mode on a node alone leaves its cluster as it was; sys/raw on a running node is opened by the configuration", async (t) => {
  const cluster = await started(t, { nodes: 1, extra: "raw_storage_endpoint = true" });
  const [node] = cluster.nodes as [NodeProcess];
  const client = cluster.client(node);
  const { data } = await client.request<{ value: string }>("GET", "sys/raw/core/policy/acl/default");
  await client.request("PUT", "sys/raw/core/policy/acl/copied", { body: { value: data.value } });
  assert.match((await client.request<{ policy: string }>("GET", "sys/policies/acl/copied")).data.policy, /lookup-self/);
  await refused(client.request("GET", "sys/raw/core/keyring"), 400, /cannot access "core\/keyring"/);
  await client.request("PUT", "sys/policies/acl/plain", { body: { policy: 'path "sys/raw/*" { capabilities = ["read", "list"] }' } });
  const plain = await client.request("POST", "auth/token/create", { body: { policies: ["plain"] } });
  await refused(client.with({ token: plain.auth!.client_token }).request("GET", "sys/raw/core/policy/acl/default"), 403, /permission denied/);

  assert.equal(await node.end("SIGTERM"), 0);
  node.start(["-recovery"]);
  await answers(cluster, node);
  const token = await recoveryToken(cluster, node);
  await client.with({ token }).request("DELETE", "sys/raw/core/policy/acl/copied");
  assert.equal(await node.end("SIGTERM"), 0);
  await cluster.revive(node);
  await refused(client.request("GET", "sys/policies/acl/copied"), 404, /./);
});
