import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@coffer/counterparts";
import type { ApiRequest, ApiResponse } from "@coffer/state-machine";
import type { Configuration, Listener, ListenerTls, RaftStorage, RetryJoin } from "../../configuration/types.js";
import { startListener } from "../../http/listener.js";
import type { RunningListener } from "../../http/listener.js";
import { plainListener } from "../../http/testing/echo-application.js";
import { createLogging } from "../../logging/logger.js";
import { startNode } from "../node.js";
import type { CofferNode } from "../node.js";

interface After {
  after(fn: () => Promise<void> | void): void;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- tests look into answers of many shapes
  readonly index: number;
}

export interface Ask {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: ApiRequest["query"];
}

/** A node with real consensus on loopback, its data in a temporary folder, and one API listener. */
export interface TestNode {
  readonly id: string;
  readonly address: string;
  readonly folder: string;
  readonly configuration: Configuration;
  /** Throws while it is stopped. */
  readonly node: () => CofferNode;
  /** From the next start on. */
  reseal(seals: Configuration["seals"]): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  ask(operation: ApiRequest["operation"], path: string, body?: unknown, more?: Ask): Promise<Reply>;
}

export interface TestNodeOptions {
  /** Raft in the temporary folder, unless given. */
  readonly storage?: Configuration["storage"];
  readonly tls?: ListenerTls;
  readonly retryJoin?: readonly RetryJoin[];
  readonly auditDevices?: Configuration["auditDevices"];
  readonly seals?: Configuration["seals"];
  readonly tokenOnly?: Listener["tokenOnly"];
  readonly onFatal?: (message: string) => void;
}

/** For a busy machine; nobody waits longer than it takes. */
const PATIENCE_MS = 60_000;

export async function until<T>(what: string, check: () => T | undefined | false | Promise<T | undefined | false>, timeoutMs = PATIENCE_MS): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((wake) => setTimeout(wake, 10));
  }
}

export function temporaryFolder(test: After): string {
  const folder = mkdtempSync(join(tmpdir(), "coffer-node-"));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function raftStorage(path: string, nodeId: string, retryJoin: readonly RetryJoin[] = []): RaftStorage {
  return { type: "raft", path, nodeId, performanceMultiplier: 1, readLease: false, trailingLogs: undefined, snapshotThreshold: undefined, retryJoin, retryJoinAsNonVoter: false, autopilot: {} };
}

export function configurationOf(storage: Configuration["storage"], listener: Listener, apiAddress: string, clusterAddress: string, auditDevices: Configuration["auditDevices"] = []): Configuration {
  return {
    listeners: [listener],
    storage,
    seals: [],
    telemetry: { prometheusRetention: 3600, disableHostname: true, enableHostnameLabel: false },
    auditDevices,
    userLockout: {},
    apiAddress,
    clusterAddress,
    clusterName: undefined,
    defaultLeaseTtl: 3600,
    maxLeaseTtl: 3600,
    defaultMaxRequestDuration: 90,
    logLevel: "error",
    logFormat: "standard",
    logFile: undefined,
    pidFile: undefined,
    ui: false,
    cacheSize: 1000,
    rawStorage: false,
    introspection: false,
    hostnameHeader: false,
    nodeIdHeader: false,
    warnings: [],
  };
}

/** Started, and gone when the test ends. */
export async function testNode(test: After, id: string, options: TestNodeOptions = {}): Promise<TestNode> {
  const folder = temporaryFolder(test);
  const [apiPort, clusterPort] = [await freePort(), await freePort()];
  const address = `${options.tls ? "https" : "http"}://127.0.0.1:${apiPort}`;
  const listener = plainListener({ address: `127.0.0.1:${apiPort}`, clusterAddress: `127.0.0.1:${clusterPort}`, tls: options.tls, maxRequestSize: 1024 * 1024, tokenOnly: options.tokenOnly ?? [] });
  const configuration = configurationOf(options.storage ?? raftStorage(join(folder, "data"), id, options.retryJoin), listener, address, `https://127.0.0.1:${clusterPort}`, options.auditDevices);
  const logging = createLogging({ level: "error", format: "standard", file: join(folder, "log") });
  let seals = options.seals ?? [];
  let running: { readonly node: CofferNode; readonly listener: RunningListener } | undefined;

  const made: TestNode = {
    id,
    address,
    folder: join(folder, "data"),
    configuration,
    node() {
      if (!running) throw new Error(`${id} is stopped`);
      return running.node;
    },
    reseal: (next) => void (seals = next),
    async start() {
      const node = await startNode({ configuration: { ...configuration, seals }, logging, onFatal: options.onFatal ?? ((message) => process.stderr.write(`${id} on ${hostname()}: ${message}\n`)) });
      running = { node, listener: await startListener({ listener, application: node.application, logger: logging.logger("http") }) };
    },
    async stop() {
      const stopping = running;
      running = undefined;
      await stopping?.listener.close(0);
      await stopping?.node.stop();
    },
    async ask(operation, path, body, { token, headers = {}, query = {} } = {}) {
      const request: ApiRequest = { id: randomUUID(), operation, path, query, body: Buffer.from(body === undefined ? "" : JSON.stringify(body)), contentType: "application/json", token, headers, remoteAddress: "127.0.0.1", remotePort: 1 };
      return replyOf(await made.node().application.handle(request));
    },
  };
  test.after(() => made.stop());
  await made.start();
  return made;
}

export function replyOf({ status, headers, body, index }: ApiResponse): Reply {
  const text = body === null ? "" : typeof body === "string" ? body : Buffer.from(body as Uint8Array).toString();
  return { status, headers, body: text.startsWith("{") ? JSON.parse(text) : text, index };
}

export interface Founded {
  readonly keys: readonly Buffer[];
  readonly rootToken: string;
}

/** The first node of a new cluster: initialised, unsealed, active. */
export async function found(node: TestNode, shares = 1, threshold = 1): Promise<Founded> {
  const { body } = await node.ask("update", "sys/init", { secret_shares: shares, secret_threshold: threshold });
  const keys = (body.keys_base64 as string[]).map((key) => Buffer.from(key, "base64"));
  await unseal(node, keys.slice(0, threshold));
  await until(`${node.id} is active`, async () => (await node.ask("read", "sys/health")).status === 200);
  return { keys, rootToken: body.root_token };
}

export async function unseal(node: TestNode, keys: readonly Uint8Array[]): Promise<Reply> {
  let last: Reply | undefined;
  for (const key of keys) last = await node.ask("update", "sys/unseal", { key: Buffer.from(key).toString("hex") });
  return last!;
}

/** Joins through `leader`, unseals, and waits for the vote. */
export async function joinCluster(node: TestNode, leader: TestNode, { keys, rootToken }: Founded): Promise<void> {
  await node.ask("update", "sys/storage/raft/join", { leader_api_addr: leader.address });
  const { status, body } = await unseal(node, keys);
  if (status !== 200) throw new Error(JSON.stringify(body));
  await until(`${node.id} votes`, async () => {
    const { body: seen } = await leader.ask("read", "sys/storage/raft/configuration", undefined, { token: rootToken });
    return (seen.data?.config.servers as { node_id: string; voter: boolean }[] | undefined)?.some((server) => server.node_id === node.id && server.voter);
  });
}
