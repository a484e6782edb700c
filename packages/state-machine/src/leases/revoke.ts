import { invalid } from "../errors.js";
import type { RequestError } from "../errors.js";
import type { Environment, Neighbour } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { below } from "../mounts/index.js";
import type { Place } from "../mounts/index.js";
import { cancelExpiry, leaseKey, revokeTree, scheduleExpiry, tokenAt, tokenCodec, tokenKey } from "../tokens/index.js";
import { expireNow, findLease, forgetLease, getLease } from "./lease.js";
import type { LeaseEntry } from "./lease.js";
import { tokenRemoved } from "./token-removed.js";

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
  /** Folders of places that are still to be walked. */
  readonly folders: readonly Place[];
  /** What was made later stays. Seconds since 1970. */
  readonly startTime: number;
  /** Where it has come to in the first of them. */
  readonly after: string;
}

const sweepCodec = jsonCodec<Sweep>();
const sweepKey = (id: string) => `lease/sweep/${id}`;
/** Sorts before all that has a time. */
const AT_ONCE = 0;

/** Folders of all that was given out at and below a path. */
export function foldersBelow(storage: ReadStorage, prefix: string): readonly Place[] {
  const { inside, mounts } = below(storage, prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`);
  return [...inside, ...mounts.map(({ uuid }) => `${uuid}/`)];
}

/**
 * Revokes the leases at and below a path, those that are tokens (of logins, of roles) too: a few at once, more of them by the
 * active node's worker, slice by slice.
 */
export async function revokeBelow(storage: WriteStorage, prefix: string, env: Environment): Promise<void> {
  const own = findLease(storage, prefix);
  if (own !== undefined) await endLease(storage, own, env);
  await revokeFolders(storage, foldersBelow(storage, prefix), env);
}

/** All of a mount's, wherever it is or was. */
export const revokeMount = (storage: WriteStorage, uuid: string, env: Environment): Promise<void> => revokeFolders(storage, [`${uuid}/`], env);

async function revokeFolders(storage: WriteStorage, folders: readonly Place[], env: Environment): Promise<void> {
  const rest = await sweepOn(storage, { id: env.uuid(), folders, startTime: Math.floor(env.now() / MS), after: "" }, env);
  if (!rest) return;
  storage.put(sweepKey(rest.id), sweepCodec, rest);
  scheduleExpiry(storage, AT_ONCE, "sweep", rest.id);
}

/** A slice of a revocation by prefix; does nothing for an unknown one. */
export async function continueSweep(storage: WriteStorage, id: string, env: Environment): Promise<void> {
  const sweep = storage.get(sweepKey(id), sweepCodec);
  const rest = sweep && (await sweepOn(storage, sweep, env));
  if (rest) {
    storage.put(sweepKey(id), sweepCodec, rest);
    return;
  }
  storage.delete(sweepKey(id));
  cancelExpiry(storage, AT_ONCE, "sweep", id);
}

/** What is left of it after a slice. */
async function sweepOn(storage: WriteStorage, sweep: Sweep, env: Environment): Promise<Sweep | undefined> {
  const [folder, ...others] = sweep.folders;
  if (folder === undefined) return undefined;
  const names = await storage.keys(leaseKey(folder), { limit: LEASE_SLICE, after: sweep.after });
  for (const name of names) {
    const issued = issueTime(storage, folder + name);
    if (issued !== undefined && issued <= sweep.startTime) await endLease(storage, folder + name, env);
  }
  if (names.length === LEASE_SLICE) return { ...sweep, after: names[names.length - 1]! };
  return others.length === 0 ? undefined : { ...sweep, folders: others, after: "" };
}

/** Seconds since 1970; undefined for what is gone. */
function issueTime(storage: ReadStorage, place: Place): number | undefined {
  const token = tokenAt(storage, place);
  return token === undefined ? getLease(storage, place)?.issueTime : (storage.get(tokenKey(token), tokenCodec)?.creationTime ?? 0);
}

/** A token goes now, and those below it in slices, invalid from now on; a secret is revoked next by the active node's worker. */
export async function endLease(storage: WriteStorage, place: Place, env: Environment): Promise<void> {
  const token = tokenAt(storage, place);
  if (token === undefined) {
    expireNow(storage, place, env);
    return;
  }
  await revokeTree(storage, token, tokenRemoved(env), 1);
  // One that leads nowhere goes too.
  storage.delete(leaseKey(place));
}

/** At most a slice of the leases below a folder, by what they are. */
export interface LeasePage {
  readonly secrets: readonly Place[];
  readonly tokens: readonly Place[];
  /** Where the next page begins; undefined at the end. */
  readonly next: string | undefined;
}

export async function leasePage(storage: ReadStorage, folder: Place, after: string): Promise<LeasePage> {
  const names = await storage.keys(leaseKey(folder), { limit: LEASE_SLICE, after });
  const places = names.map((name) => folder + name);
  return {
    secrets: places.filter((place) => tokenAt(storage, place) === undefined),
    tokens: places.filter((place) => tokenAt(storage, place) !== undefined),
    next: names.length < LEASE_SLICE ? undefined : names[names.length - 1],
  };
}
