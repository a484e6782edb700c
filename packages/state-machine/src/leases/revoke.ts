import { invalid } from "../errors.js";
import type { RequestError } from "../errors.js";
import type { Environment, Neighbour } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { cancelExpiry, revokeTree, scheduleExpiry, tokenCodec, tokenKey } from "../tokens/index.js";
import type { TokenRemoved } from "../tokens/index.js";
import { expireNow, forgetLease, getLease, leaseFolder } from "./lease.js";
import type { LeaseEntry } from "./lease.js";

/** Leases and tokens that one write set of a revocation touches at most. */
export const LEASE_SLICE = 256;
const MS = 1000;

type Neighbours = (uuid: string) => Neighbour | undefined;

/** Takes the secret back at its source, and forgets the lease. Throws what the engine throws; storage is scoped to `core/`. */
export async function revokeLease(storage: WriteStorage, lease: LeaseEntry, neighbour: Neighbours): Promise<void> {
  const found = neighbour(lease.mountUuid);
  const kind = found?.engine.secrets?.find(({ name }) => name === lease.kind);
  // Of a mount that is gone, nobody knows how.
  if (found && kind) await kind.revoke(lease.internalData, found.storage, found.mount);
  forgetLease(storage, lease);
}

/** What the caller who waits for a revocation is told, as the list of irrevocable leases does later. */
export function failedRevocation(what: string, error: unknown): RequestError {
  return invalid(`failed to revoke ${JSON.stringify(what)}: ${error instanceof Error ? error.message : String(error)}`);
}

/** A revocation by prefix under way, below `core/`: `lease/sweep/<id>`. */
export interface Sweep {
  readonly id: string;
  /** Path of leases, or of the requests that made tokens (`auth/…`). */
  readonly prefix: string;
  /** What was made later stays. Seconds since 1970. */
  readonly startTime: number;
  readonly phase: "leases" | "tokens";
  /** Where the phase has come to. */
  readonly after: string;
}

const sweepCodec = jsonCodec<Sweep>();
const sweepKey = (id: string) => `lease/sweep/${id}`;
/** Sorts before all that has a time. */
const AT_ONCE = 0;

/**
 * Revokes the leases at and below a path, and the tokens that were made there (logins, roles): a few at once, more of them by
 * the active node's worker, slice by slice.
 */
export async function revokeBelow(storage: WriteStorage, prefix: string, env: Environment): Promise<void> {
  const own = getLease(storage, prefix);
  if (own) expireNow(storage, own.id, env);
  const rest = await sweepOn(storage, { id: env.uuid(), prefix, startTime: Math.floor(env.now() / MS), phase: "leases", after: "" }, env, () => undefined);
  if (!rest) return;
  storage.put(sweepKey(rest.id), sweepCodec, rest);
  scheduleExpiry(storage, AT_ONCE, "sweep", rest.id);
}

/** A slice of a revocation by prefix; does nothing for an unknown one. */
export async function continueSweep(storage: WriteStorage, id: string, env: Environment, removed: TokenRemoved): Promise<void> {
  const sweep = storage.get(sweepKey(id), sweepCodec);
  const rest = sweep && (await sweepOn(storage, sweep, env, removed));
  if (rest) {
    storage.put(sweepKey(id), sweepCodec, rest);
    return;
  }
  storage.delete(sweepKey(id));
  cancelExpiry(storage, AT_ONCE, "sweep", id);
}

/** What is left of it after a slice. */
async function sweepOn(storage: WriteStorage, sweep: Sweep, env: Environment, removed: TokenRemoved): Promise<Sweep | undefined> {
  if (sweep.phase === "tokens") return sweepTokens(storage, sweep, removed);
  const folder = leaseFolder(sweep.prefix);
  const names = await storage.keys(folder, { limit: LEASE_SLICE, after: sweep.after });
  const base = folder.slice(leaseFolder("").length);
  for (const name of names) if (isOlder(getLease(storage, base + name)?.issueTime, sweep)) expireNow(storage, base + name, env);
  if (names.length === LEASE_SLICE) return { ...sweep, after: names[names.length - 1]! };
  return isOfTokens(sweep.prefix) ? { ...sweep, phase: "tokens", after: "" } : undefined;
}

const isOfTokens = (prefix: string) => prefix.startsWith("auth/");

/** The tokens made at and below a path, for `sweepTokens`; undefined for a path that makes none. */
export function tokensOf(prefix: string, env: Environment): Sweep | undefined {
  return isOfTokens(prefix) ? { id: "", prefix, startTime: Math.floor(env.now() / MS), phase: "tokens", after: "" } : undefined;
}

/** A slice; what is left after it. */
export async function sweepTokens(storage: WriteStorage, sweep: Sweep, removed: TokenRemoved): Promise<Sweep | undefined> {
  const ids = await storage.keys(tokenKey(""), { limit: LEASE_SLICE, after: sweep.after });
  for (const id of ids) {
    const entry = storage.get(tokenKey(id), tokenCodec);
    if (entry && isOlder(entry.creationTime, sweep) && isBelow(entry.path, sweep.prefix)) await revokeTree(storage, id, removed);
  }
  return ids.length === LEASE_SLICE ? { ...sweep, after: ids[ids.length - 1]! } : undefined;
}

function isBelow(path: string, prefix: string): boolean {
  return `${path}/`.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}

const isOlder = (time: number | undefined, { startTime }: Sweep): boolean => time !== undefined && time <= startTime;

/** Ids of at most a slice of the leases at and below a path. */
export async function leasesBelow(storage: ReadStorage, prefix: string, after: string): Promise<string[]> {
  const folder = leaseFolder(prefix);
  const base = folder.slice(leaseFolder("").length);
  const names = await storage.keys(folder, { limit: LEASE_SLICE, ...(after !== "" && { after: after.slice(base.length) }) });
  return names.map((name) => base + name);
}
