import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiError, createClient } from "@coffer/client";
import type { Client } from "@coffer/client";
import { freePorts } from "@coffer/counterparts";
import { createApiCertificates } from "@coffer/node";
import type { TestNetwork } from "./network.js";
import { mountSmallDisk } from "./small-disk.js";
import type { SmallDisk } from "./small-disk.js";
import { createNodeProcess } from "./node-process.js";
import type { NodePlan, NodeProcess } from "./node-process.js";
import { until } from "./until.js";

/** Real processes on loopback: initialised, unsealed, KV v2 at secret/. */
export interface TestCluster {
  readonly nodes: readonly NodeProcess[];
  /** Holds a folder a node, and tls/ where the API has it. */
  readonly folder: string;
  /** PEM; undefined where the API is served without TLS. */
  readonly ca: string | undefined;
  readonly rootToken: string;
  readonly keys: readonly string[];
  /** With the root token and no retries: a test sees each answer. */
  client(node: NodeProcess): Client;
  active(): Promise<NodeProcess>;
  standbys(): Promise<NodeProcess[]>;
  unseal(node: NodeProcess): Promise<void>;
  /** Starts a node again and waits until it serves. */
  revive(node: NodeProcess): Promise<void>;
  /** One more node, started, that knows nobody and has joined nothing. */
  add(): Promise<NodeProcess>;
  /** One more node, joined and unsealed. */
  join(): Promise<NodeProcess>;
  /** Only where `diskMegabytes` was given. */
  disk(node: NodeProcess): SmallDisk;
  stop(): Promise<void>;
  isStopped(): boolean;
}

export interface ClusterOptions {
  readonly nodes?: number;
  /** Of election timeouts; default 1. */
  readonly performanceMultiplier?: number;
  /** More HCL inside storage "raft". */
  readonly storage?: string;
  /** More HCL inside the listener. */
  readonly listener?: string;
  /** More HCL at the top level. */
  readonly extra?: string;
  /** The API by TLS, with a certificate for 127.0.0.1. */
  readonly tls?: boolean;
  /** Each node at its own place in it, instead of all on loopback. */
  readonly network?: TestNetwork;
  /** The data of each node on a disk of its own, of this size. */
  readonly diskMegabytes?: number;
  /** How long a node may take to come up and serve; more where slowness is no fault. Default a minute. */
  readonly patienceMs?: number;
  /** Leaves the nodes as they start, for a test that initialises them itself. */
  readonly bare?: boolean;
}

const THRESHOLD = 2;
const UP_MS = 60_000;
const SERVING = [200, 429, 473];

export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const { nodes: count = 3, bare = false, tls = false, network, patienceMs = UP_MS } = options;
  const folder = mkdtempSync(join(tmpdir(), "coffer-cluster-"));
  const ca = tls ? await writeCertificates(join(folder, "tls")) : undefined;
  const plans = await plansOf(folder, count, tls, 1, network);
  const disks = new Map<string, SmallDisk>();
  const nodes = plans.map((plan) => create(plan, plans));
  const secrets = { rootToken: "", keys: [] as string[] };
  const clients = new Map<NodeProcess, Client>();
  let isStopped = false;

  function create(plan: NodePlan, all: readonly NodePlan[]): NodeProcess {
    if (options.diskMegabytes !== undefined) disks.set(plan.id, mountSmallDisk(join(plan.folder, "data"), options.diskMegabytes));
    return createNodeProcess(plan, configurationOf(plan, all, options));
  }

  function client(node: NodeProcess): Client {
    const found = clients.get(node) ?? createClient({ address: node.address, maxRetries: 0, timeoutMs: 15_000, ...(ca !== undefined && { caCertPem: ca }) });
    clients.set(node, found);
    return found.with({ token: secrets.rootToken });
  }

  const healthOf = (node: NodeProcess) => client(node).send("GET", "sys/health", { query: { standbycode: "429", sealedcode: "503" } }).then(({ status }) => status, (error: unknown) => (error instanceof ApiError ? error.status : 0));

  async function withHealth(...wanted: number[]): Promise<NodeProcess[]> {
    const states = await Promise.all(nodes.map(async (node) => ({ node, status: node.isRunning() ? await healthOf(node) : 0 })));
    return states.filter(({ status }) => wanted.includes(status)).map(({ node }) => node);
  }

  async function unseal(node: NodeProcess): Promise<void> {
    await until(`${node.id} knows the seal`, patienceMs, async () => (await client(node).request<unknown, { initialized: boolean }>("GET", "sys/seal-status")).initialized);
    // A state that is installed between two shares makes the node forget the first.
    await until(`${node.id} is unsealed`, patienceMs, async () => {
      for (const key of secrets.keys.slice(0, THRESHOLD)) {
        const { sealed } = await client(node).request<unknown, { sealed: boolean }>("PUT", "sys/unseal", { body: { key }, timeoutMs: patienceMs });
        if (!sealed) return true;
      }
      return false;
    });
    await until(`${node.id} serves`, patienceMs, async () => SERVING.includes(await healthOf(node)));
  }

  const answering = (node: NodeProcess) => until(`${node.id} answers`, patienceMs, async () => (await healthOf(node)) !== 0);

  const cluster: TestCluster = {
    nodes,
    folder,
    ca,
    get rootToken() {
      return secrets.rootToken;
    },
    get keys() {
      return secrets.keys;
    },
    client,
    active: async () => (await until("one active node", patienceMs, async () => {
      const active = await withHealth(200);
      return active.length === 1 && active;
    }))[0]!,
    standbys: () => withHealth(429, 473),
    unseal,
    async revive(node) {
      node.start();
      await answering(node);
      await unseal(node);
    },
    async add() {
      const [plan] = await plansOf(folder, 1, tls, nodes.length + 1, network);
      const node = create(plan!, []);
      nodes.push(node);
      node.start();
      await answering(node);
      return node;
    },
    async join() {
      const leader = await cluster.active();
      const node = await cluster.add();
      await client(node).request("POST", "sys/storage/raft/join", { body: { leader_api_addr: leader.address, ...(ca !== undefined && { leader_ca_cert: ca }) }, timeoutMs: patienceMs });
      await unseal(node);
      return node;
    },
    disk: (node) => disks.get(node.id)!,
    isStopped: () => isStopped,
    async stop() {
      isStopped = true;
      await Promise.all(nodes.filter((node) => node.isRunning()).map((node) => node.end("SIGKILL")));
      for (const one of clients.values()) one.close();
      for (const disk of disks.values()) disk.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };

  try {
    for (const node of nodes) node.start();
    for (const node of nodes) await answering(node);
    if (bare) return cluster;
    const made = await client(nodes[0]!).request<unknown, { keys_base64: string[]; root_token: string }>("PUT", "sys/init", { body: { secret_shares: 3, secret_threshold: THRESHOLD } });
    secrets.keys = made.keys_base64;
    secrets.rootToken = made.root_token;
    for (const node of nodes) await unseal(node);
    await until("every server votes", patienceMs, async () => {
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

/** ca.crt, api.crt and api.key; returns the CA. */
export async function writeCertificates(folder: string): Promise<string> {
  const { ca, certificate, key } = await createApiCertificates(["127.0.0.1", "localhost"]);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "ca.crt"), ca);
  writeFileSync(join(folder, "api.crt"), certificate);
  writeFileSync(join(folder, "api.key"), key, { mode: 0o600 });
  return ca;
}

async function plansOf(folder: string, count: number, tls: boolean, firstNumber = 1, network?: TestNetwork): Promise<NodePlan[]> {
  const ports = await freePorts(count * 2);
  const plans: NodePlan[] = [];
  for (let i = 0; i < count; i++) {
    const id = `node-${firstNumber + i}`;
    const [port, clusterPort] = ports.slice(2 * i) as [number, number];
    const { host, inside } = (await network?.place(firstNumber - 1 + i, [port, clusterPort])) ?? { host: "127.0.0.1", inside: [] };
    plans.push({ id, address: `${tls ? "https" : "http"}://${host}:${port}`, clusterAddress: `https://${host}:${clusterPort}`, folder: join(folder, id), inside });
  }
  return plans;
}

function configurationOf(plan: NodePlan, all: readonly NodePlan[], { performanceMultiplier = 1, storage = "", listener = "", extra = "", tls = false }: ClusterOptions): string {
  const tlsFolder = join(plan.folder, "../tls");
  const ca = tls ? `leader_ca_cert_file = "${tlsFolder}/ca.crt"` : "";
  const joins = all.filter(({ id }) => id !== plan.id).map(({ address }) => `  retry_join {\n    leader_api_addr = "${address}"\n    ${ca}\n  }`).join("\n");
  return `listener "tcp" {
  address         = "${new URL(plan.address).host}"
  cluster_address = "${new URL(plan.clusterAddress).host}"
  ${tls ? `tls_cert_file = "${tlsFolder}/api.crt"\n  tls_key_file = "${tlsFolder}/api.key"` : "tls_disable = true"}
${listener}
}
storage "raft" {
  path                   = "${plan.folder}/data"
  node_id                = "${plan.id}"
  performance_multiplier = ${performanceMultiplier}
${joins}
${storage}
}
api_addr     = "${plan.address}"
cluster_addr = "${plan.clusterAddress}"
${extra}
`;
}
