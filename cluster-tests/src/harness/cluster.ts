import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiError, createClient } from "@coffer/client";
import type { Client } from "@coffer/client";
import { createNodeProcess } from "./node-process.js";
import type { NodeProcess } from "./node-process.js";
import { freePorts } from "./ports.js";
import { until } from "./until.js";

/** Real processes on loopback: initialised, unsealed, KV v2 at secret/. */
export interface TestCluster {
  readonly nodes: readonly NodeProcess[];
  readonly rootToken: string;
  readonly keys: readonly string[];
  /** With the root token and no retries: a test sees each answer. */
  client(node: NodeProcess): Client;
  active(): Promise<NodeProcess>;
  standbys(): Promise<NodeProcess[]>;
  unseal(node: NodeProcess): Promise<void>;
  /** Starts a node again and waits until it serves. */
  revive(node: NodeProcess): Promise<void>;
  stop(): Promise<void>;
}

export interface ClusterOptions {
  readonly nodes?: number;
  /** More HCL inside storage "raft". */
  readonly storage?: string;
  /** More HCL at the top level. */
  readonly extra?: string;
  /** Leaves the nodes as they start, for a test that initialises them itself. */
  readonly bare?: boolean;
}

const THRESHOLD = 2;
const UP_MS = 30_000;
const SERVING = [200, 429, 473];

export async function startCluster({ nodes: count = 3, storage = "", extra = "", bare = false }: ClusterOptions = {}): Promise<TestCluster> {
  const folder = mkdtempSync(join(tmpdir(), "coffer-cluster-"));
  const ports = await freePorts(count * 2);
  const plans = Array.from({ length: count }, (_, i) => ({ id: `node-${i + 1}`, address: `http://127.0.0.1:${ports[2 * i]}`, clusterAddress: `https://127.0.0.1:${ports[2 * i + 1]}`, folder: join(folder, `node-${i + 1}`) }));
  const nodes = plans.map((plan) => createNodeProcess(plan, configurationOf(plan, plans, storage, extra)));
  const secrets = { rootToken: "", keys: [] as string[] };
  const clients = new Map<NodeProcess, Client>();

  function client(node: NodeProcess): Client {
    const found = clients.get(node) ?? createClient({ address: node.address, maxRetries: 0, timeoutMs: 15_000 });
    clients.set(node, found);
    return found.with({ token: secrets.rootToken });
  }

  const healthOf = (node: NodeProcess) => client(node).send("GET", "sys/health", { query: { standbycode: "429", sealedcode: "503" } }).then(({ status }) => status, (error: unknown) => (error instanceof ApiError ? error.status : 0));

  async function withHealth(...wanted: number[]): Promise<NodeProcess[]> {
    const states = await Promise.all(nodes.map(async (node) => ({ node, status: node.isRunning() ? await healthOf(node) : 0 })));
    return states.filter(({ status }) => wanted.includes(status)).map(({ node }) => node);
  }

  async function unseal(node: NodeProcess): Promise<void> {
    await until(`${node.id} knows the seal`, UP_MS, async () => (await client(node).request<unknown, { initialized: boolean }>("GET", "sys/seal-status")).initialized);
    for (const key of secrets.keys.slice(0, THRESHOLD)) await client(node).request("PUT", "sys/unseal", { body: { key }, timeoutMs: UP_MS });
    await until(`${node.id} serves`, UP_MS, async () => SERVING.includes(await healthOf(node)));
  }

  const cluster: TestCluster = {
    nodes,
    get rootToken() {
      return secrets.rootToken;
    },
    get keys() {
      return secrets.keys;
    },
    client,
    active: async () => (await until("one active node", UP_MS, async () => {
      const active = await withHealth(200);
      return active.length === 1 && active;
    }))[0]!,
    standbys: () => withHealth(429, 473),
    unseal,
    async revive(node) {
      node.start();
      await until(`${node.id} answers`, UP_MS, async () => (await healthOf(node)) !== 0);
      await unseal(node);
    },
    async stop() {
      await Promise.all(nodes.filter((node) => node.isRunning()).map((node) => node.end("SIGKILL")));
      for (const one of clients.values()) one.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };

  try {
    for (const node of nodes) node.start();
    for (const node of nodes) await until(`${node.id} answers`, UP_MS, async () => (await healthOf(node)) !== 0);
    if (bare) return cluster;
    const made = await client(nodes[0]!).request<unknown, { keys_base64: string[]; root_token: string }>("PUT", "sys/init", { body: { secret_shares: 3, secret_threshold: THRESHOLD } });
    secrets.keys = made.keys_base64;
    secrets.rootToken = made.root_token;
    for (const node of nodes) await unseal(node);
    await until("every server votes", UP_MS, async () => {
      const { data } = await client(nodes[0]!).request<{ config: { servers: { voter: boolean }[] } }>("GET", "sys/storage/raft/configuration");
      return data.config.servers.length === count && data.config.servers.every(({ voter }) => voter);
    });
    await client(nodes[0]!).request("POST", "sys/mounts/secret", { body: { type: "kv", options: { version: "2" } } });
  } catch (error) {
    const logs = nodes.map((node) => `--- ${node.id}\n${node.log().split("\n").slice(-15).join("\n")}`).join("\n");
    await cluster.stop();
    throw new Error(`the cluster did not come up\n${logs}`, { cause: error });
  }
  return cluster;
}

function configurationOf(plan: { id: string; address: string; clusterAddress: string; folder: string }, all: readonly { id: string; address: string }[], storage: string, extra: string): string {
  const joins = all.filter(({ id }) => id !== plan.id).map(({ address }) => `  retry_join { leader_api_addr = "${address}" }`).join("\n");
  return `listener "tcp" {
  address         = "${new URL(plan.address).host}"
  cluster_address = "${new URL(plan.clusterAddress).host}"
  tls_disable     = true
}
storage "raft" {
  path                   = "${plan.folder}/data"
  node_id                = "${plan.id}"
  performance_multiplier = 1
${joins}
${storage}
}
api_addr     = "${plan.address}"
cluster_addr = "${plan.clusterAddress}"
${extra}
`;
}
