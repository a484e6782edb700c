import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Who this node is inside its cluster: made when it bootstraps or joins, kept beside its data. The key only proves
 * membership on the cluster port; it opens no secret.
 */
export interface NodeIdentity {
  readonly nodeId: string;
  readonly clusterId: string;
  /**
   * `founding` until sys/init has committed: what a crash leaves of such a cluster is nobody's, and goes. `joining` until the
   * node has taken part for the first time: from then on its log must be there.
   */
  readonly origin: "founding" | "founder" | "joining" | "joiner";
  /** PEM. Any unsealed member may take in another, so each holds the CA's key. */
  readonly tls: { readonly ca: string; readonly caKey: string; readonly certificate: string; readonly key: string };
}

const FILE = "node.json";

function isIdentity(found: unknown): found is NodeIdentity {
  const { nodeId, clusterId, origin, tls } = (found ?? {}) as Partial<Record<string, unknown>>;
  const { ca, caKey, certificate, key } = (tls ?? {}) as Partial<Record<string, unknown>>;
  return [nodeId, clusterId, ca, caKey, certificate, key].every((text) => typeof text === "string" && text !== "") && ["founding", "founder", "joining", "joiner"].includes(origin as string);
}

/** Undefined where this node belongs to no cluster yet. Throws for a file that cannot be read, without a word of its contents. */
export function readIdentity(directory: string): NodeIdentity | undefined {
  const path = join(directory, FILE);
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, "utf8");
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    found = undefined;
  }
  if (!isIdentity(found)) throw new Error(`${path} is damaged: remove this node from the cluster, delete its data folder and join again`);
  return found;
}

function sync(path: string): void {
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Durable before it returns: a certificate that the leader issued must not be lost to a crash. */
export function writeIdentity(directory: string, identity: NodeIdentity): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, FILE);
  rmSync(`${path}.new`, { force: true });
  writeFileSync(`${path}.new`, JSON.stringify(identity), { mode: 0o600 });
  sync(`${path}.new`);
  renameSync(`${path}.new`, path);
  sync(directory);
}

/**
 * Throws unless the log of a node that has taken part is in its folder. Without it the node would not remember for whom it voted
 * nor what it acknowledged, and the others would count on both (Ongaro's thesis, 3.8).
 */
export function requireLog(directory: string, { nodeId }: NodeIdentity): void {
  if (existsSync(join(directory, "log", "CURRENT"))) return;
  throw new Error(`the log is missing from ${directory}, and with it what this node promised to the others: remove it from the cluster (coffer operator raft remove-peer ${nodeId}), delete its data folder and join again`);
}

/** Forgets a cluster that was never finished. Only for a node that holds no initialised cluster. */
export function dropUnfinished(directory: string): void {
  for (const name of [FILE, "log", "state"]) rmSync(join(directory, name), { recursive: true, force: true });
}
