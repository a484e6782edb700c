import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/**
 * Who this node is inside its cluster: made when it bootstraps or joins, kept beside its data. The key only proves
 * membership on the cluster port; it opens no secret.
 */
export interface NodeIdentity {
  readonly nodeId: string;
  readonly clusterId: string;
  /** `founding` until sys/init has committed: what a crash leaves of such a cluster is nobody's, and goes. */
  readonly origin: "founding" | "founder" | "joiner";
  /** PEM. Any unsealed member may take in another, so each holds the CA's key. */
  readonly tls: { readonly ca: string; readonly caKey: string; readonly certificate: string; readonly key: string };
}

const FILE = "node.json";

export function readIdentity(directory: string): NodeIdentity | undefined {
  const path = join(directory, FILE);
  if (!existsSync(path)) return undefined;
  const found = JSON.parse(readFileSync(path, "utf8")) as NodeIdentity;
  if (!found.nodeId || !found.clusterId || !found.tls?.key) throw new Error(`${path} is damaged: remove this node from the cluster, delete its data folder and join again`);
  return found;
}

/** Durable before it returns: a certificate that the leader issued must not be lost to a crash. */
export function writeIdentity(directory: string, identity: NodeIdentity): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, FILE);
  const file = openSync(`${path}.new`, "w", 0o600);
  writeSync(file, JSON.stringify(identity));
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.new`, path);
  const folder = openSync(directory, "r");
  fsyncSync(folder);
  closeSync(folder);
}

/** Forgets a cluster that was never finished. Only for a node that holds no initialised cluster. */
export function dropUnfinished(directory: string): void {
  for (const name of [FILE, "log", "state"]) rmSync(join(directory, name), { recursive: true, force: true });
}
