import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { text as readText } from "node:stream/consumers";
import { createActivityRecorder } from "../activity/index.js";
import type { ActivityRecorder } from "../activity/index.js";
import { createAuditBroker } from "../audit/index.js";
import type { AuditBroker } from "../audit/index.js";
import type { Barrier, BreakGlass } from "../barrier/index.js";
import { SHAMIR_ONLY, createBarrier, KEYRING_KEY, createBreakGlass, followKeys, initialize, replaceQuorumKey } from "../barrier/index.js";
import { compileEngine } from "../framework/index.js";
import type { CompiledEngine, Engine, Environment, MountEntry } from "../framework/index.js";
import { writeGenesis } from "../genesis.js";
import { createExpirationWorker } from "../leases/index.js";
import { createCore } from "../request/index.js";
import type { ApiRequest, Core, Handled } from "../request/index.js";
import { createMemoryLog, createStore } from "../store/index.js";
import type { Store } from "../store/index.js";
import { createRooms, systemEngine } from "../system/index.js";
import type { SystemServices } from "../system/index.js";
import { createToken } from "../tokens/index.js";
import { counterEngine, kvEngine, leasedEngine, loginEngine, tokenEngine } from "./engines.js";

/** A whole core in memory: the real log, store, barrier, pipeline and sys/; time and chance are the test's. */
export interface Rig {
  readonly core: Core;
  readonly store: Store;
  readonly env: Environment;
  readonly audit: AuditBroker;
  readonly activity: ActivityRecorder;
  readonly root: string;
  /** What the node would have been told of. */
  readonly problems: unknown[];
  /** Roles whose leased secrets were taken back. */
  readonly revoked: string[];
  /** Members that a test may change: what the node below sys/ says. */
  readonly node: { sealed: boolean; leader: boolean; term: number; introspection: boolean };
  /** Of the unseal key. */
  readonly shares: readonly Uint8Array[];
  readonly barrier: Barrier;
  /** What the node would have logged of break-glass operations. */
  readonly notes: readonly string[];
  advance(seconds: number): void;
  /** Sends a request as root unless told otherwise. */
  ask(operation: ApiRequest["operation"], path: string, body?: unknown, more?: Ask): Promise<Reply>;
  handle(operation: ApiRequest["operation"], path: string, body?: unknown, more?: Ask): Handled | Promise<Handled>;
  /** A service token with these policies. */
  token(policies: readonly string[], more?: { readonly numUses?: number; readonly ttl?: number; readonly boundCidrs?: readonly string[] }): Promise<string>;
  policy(name: string, text: string): Promise<void>;
  /** Does the time-driven work that is due. */
  expire(): Promise<void>;
}

export interface Ask {
  /** Null: none. */
  readonly token?: string | null;
  readonly active?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: ApiRequest["query"];
  readonly contentType?: string;
  readonly openPaths?: readonly string[];
  readonly remoteAddress?: string;
}

export interface Reply {
  readonly status: number;
  readonly text: string;
  /** Of JSON bodies. */
  readonly body: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- tests look into answers of many shapes
  readonly contentType: string;
  /** Set when the node would have to forward; then `status` is 0. */
  readonly forward: string | undefined;
}

const START = Date.parse("2026-01-02T03:04:05Z");
const MS = 1000;

function seededEnvironment(seed: string): { readonly env: Environment; advance(seconds: number): void } {
  let now = START;
  let drawn = 0;
  const block = () => createHash("sha256").update(`${seed}/${drawn++}`).digest();
  const randomBytes = (length: number) => {
    const blocks: Buffer[] = [];
    for (let size = 0; size < length; size += 32) blocks.push(block());
    return new Uint8Array(Buffer.concat(blocks).subarray(0, length));
  };
  const uuid = () => Buffer.from(randomBytes(16)).toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return { env: { now: () => now, randomBytes, uuid }, advance: (seconds) => void (now += seconds * MS) };
}

const OURS = new Map<string, CompiledEngine>([kvEngine, counterEngine, leasedEngine as unknown as Engine, loginEngine, tokenEngine, systemEngine as unknown as Engine].map((engine) => [engine.type, compileEngine(engine)]));

export async function createRig(seed = "rig", { shares, threshold } = { shares: 1, threshold: 1 }): Promise<Rig> {
  const { env, advance } = seededEnvironment(seed);
  const { log, reader } = await createMemoryLog();
  const barrier = createBarrier();
  const store = createStore({ reader, log, barrier });
  const problems: unknown[] = [];
  const revoked: string[] = [];
  const audit = createAuditBroker((_device, error) => problems.push(error));
  const limits = { defaultLeaseTtl: 2_764_800, maxLeaseTtl: 2_764_800 };
  const engineFor = (entry: MountEntry) => OURS.get(entry.type);
  const node = { sealed: false, leader: true, term: 1, introspection: false };
  const notes: string[] = [];
  const activity = createActivityRecorder({ store, env });
  const rooms = createRooms({ store, activity, env, limits, audit, engineFor, mountableTypes: { secret: ["kv", "counter", "leased"], auth: ["login"] }, databasePlugins: ["some-database-plugin"], version: "1.20.0" });
  const glass: BreakGlass = { store, barrier, env, seals: SHAMIR_ONLY, activeTerm: () => (node.leader ? node.term : undefined), note: (message) => notes.push(message) };
  const below = servicesOf(rooms, node);
  const services: SystemServices = { ...below, ...createBreakGlass(glass), keyring: { ...below.keyring, rotateRootKey: async () => void (await replaceQuorumKey(glass, "barrier", undefined)) } };
  const core = createCore({
    store, log, env, limits, audit, engineFor, activity,
    system: OURS.get("system")!,
    isSealed: () => node.sealed,
    servicesFor: (type) => (type === "system" ? services : type === "leased" ? { revoked } : undefined),
    onInternalError: (_request, error) => problems.push(error),
  });

  log.onApplied(({ keys }) => {
    if (!keys.includes(KEYRING_KEY) || barrier.sealed()) return;
    const next = followKeys({ getRaw: (key) => reader.get(key)?.sealed }, { rootKey: barrier.rootKey(), keyring: barrier.keyring() });
    if (next) barrier.unlock(next);
  });
  const { value: genesis } = await store.transact(async (tx) => {
    const made = await initialize(tx, { shares, threshold, env });
    barrier.unlock(made.keys);
    return { root: writeGenesis(tx.scoped("core/"), env).rootToken, shares: made.shares };
  });
  const { root } = genesis;

  const handle: Rig["handle"] = (operation, path, body, { active = true, ...more } = {}) => core.handle(requestOf(env, root, operation, path, body, more), { active });
  const ask: Rig["ask"] = async (...asked) => {
    const handled = await handle(...asked);
    if (handled.kind === "forward" || !(handled.response.body instanceof Readable)) return replyOf(handled);
    return { status: handled.response.status, text: await readText(handled.response.body), body: undefined, contentType: handled.response.contentType, forward: undefined };
  };
  for (const [path, type] of [["kv", "kv"], ["counter", "counter"], ["leased", "leased"]]) await ask("update", `sys/mounts/${path}`, { type });
  await ask("update", "sys/auth/login", { type: "login" });
  const worker = createExpirationWorker({ store, env, engineFor, mountOf: core.mountOf, onError: (_what, error) => problems.push(error) });

  return {
    core, store, env, audit, activity, root, problems, revoked, node, advance, ask, handle, shares: genesis.shares, barrier, notes,
    async token(policies, more = {}) {
      const { value } = await store.transact((tx) => createToken(tx.scoped("core/"), { parent: "", policies, path: "auth/token/create", displayName: "token", ttl: 3600, ...more }, env).text);
      return value;
    },
    async policy(name, text) {
      const { status, text: answer } = await ask("update", `sys/policies/acl/${name}`, { policy: text });
      if (status !== 204) throw new Error(answer);
    },
    async expire() {
      // What one step makes due (the leases of a token) is the next one's, as it is on a node a second later.
      for (let round = 0; round < 2; round++) while (await worker.step());
    },
  };
}

function requestOf(env: Environment, root: string, operation: ApiRequest["operation"], path: string, body: unknown, more: Ask): ApiRequest {
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  return {
    id: env.uuid(),
    operation,
    path,
    query: more.query ?? {},
    body: Buffer.from(text),
    contentType: more.contentType ?? (operation === "patch" ? "application/merge-patch+json" : "application/json"),
    token: more.token === null ? undefined : (more.token ?? root),
    headers: more.headers ?? {},
    remoteAddress: more.remoteAddress ?? "127.0.0.1",
    remotePort: 1234,
    ...(more.openPaths && { openPaths: more.openPaths }),
  };
}

export function replyOf(handled: Handled): Reply {
  if (handled.kind === "forward") return { status: 0, text: "", body: undefined, contentType: "", forward: handled.reason };
  const { status, body, contentType } = handled.response;
  const text = body === null ? "" : typeof body === "string" ? body : Buffer.from(body as Uint8Array).toString();
  return { status, text, body: contentType === "application/json" && text !== "" ? JSON.parse(text) : undefined, contentType, forward: undefined };
}

/** The node below sys/: not under test here. */
function servicesOf(rooms: SystemServices["rooms"], node: Rig["node"]): SystemServices {
  const status = () => ({ type: "shamir", initialized: true, sealed: node.sealed, threshold: 1, shares: 1, progress: 0, nonce: "", recoverySeal: false, storageType: "inmem" });
  const server = { id: "n1", clusterAddress: "127.0.0.1:8201", voter: true, leader: true };
  const parts = {
    rooms,
    seal: {
      status,
      backends: () => [],
      seal: async () => void (node.sealed = true),
      unseal: async () => {
        node.sealed = false;
        return status();
      },
    },
    cluster: {
      leadership: () => ({ haEnabled: true, isLeader: node.leader, leaderId: "n1", term: 1, activeApiAddress: "https://n1:8200", activeClusterAddress: "https://n1:8201", activeSince: "2026-01-02T03:04:05Z" }),
      diskFault: () => undefined,
      committedIndex: () => 7,
      appliedIndex: () => 7,
      configuration: async () => ({ index: 3, servers: [server] }),
      nodes: async () => [{ hostname: "h", apiAddress: "https://n1:8200", clusterAddress: "https://n1:8201", activeNode: true, lastEcho: null, version: "1.20.0" }],
      autopilot: async () => ({ healthy: true, failureTolerance: 0, servers: [] }),
      stepDown: async () => void (node.leader = false),
      removePeer: async () => undefined,
      letVote: async () => undefined,
    },
    keyring: { status: () => ({ term: 1, installTime: "2026-01-02T03:04:05Z", encryptions: 5 }), rotate: async () => undefined },
    node: {
      version: "1.20.0",
      buildDate: "",
      clusterName: () => "c",
      clusterId: () => "id",
      hostInfo: async () => ({ host: {} }),
      inFlight: () => ({}),
      loggers: () => ({ core: "info" }),
      resetLogLevel: () => {},
      monitor: () => Readable.from(["a line\n"]),
      profiles: { take: async (name: string, form: string, seconds: number) => `${name} ${form} ${seconds}`, cpuProfile: async () => "{}", trace: async () => "{}", commandLine: () => ["coffer", "server"] },
      get introspection() {
        return node.introspection;
      },
      setLogLevel: () => undefined,
      prometheus: async () => "vault_core_unsealed 1\n",
      metricsJson: async () => ({ Gauges: [] }),
      sanitizedConfig: () => ({}),
    },
  };
  // The rest (init, join, snapshots) fails loudly as undefined.
  return parts as unknown as SystemServices;
}
