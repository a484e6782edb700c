import { invalid } from "../errors.js";
import type { Environment, Neighbour } from "../framework/engine.js";
import type { SecretGrant } from "../framework/response.js";
import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { countLease, uncountLease } from "../quotas/lease-count.js";
import { placeOf, placesAt } from "../mounts/index.js";
import type { Place } from "../mounts/index.js";
import { randomText } from "../tokens/entry.js";
import type { TokenEntry } from "../tokens/entry.js";
import { cancelExpiry, scheduleExpiry } from "../tokens/expiry.js";
import { leaseKey, tokenAt } from "../tokens/lease.js";
import type { TokenLease } from "../tokens/lease.js";
import { clipTtl } from "../tokens/ttl.js";
import type { TtlLimits } from "../tokens/ttl.js";

/** A leased secret. Times in seconds since 1970. */
export interface LeaseEntry {
  /** Where the request went, and 24 random characters: clients see `pathOfPlace` of it as its id. */
  readonly place: Place;
  readonly mountUuid: string;
  /** Names the engine's declaration that revokes and renews it. */
  readonly kind: string;
  readonly internalData: Readonly<Record<string, unknown>>;
  /** Whose end is the lease's too; of a batch token, its parent. Empty: only time ends it. */
  readonly tokenId: string;
  /** When its batch token ends, and so the lease, however it is renewed; 0: none. */
  readonly latestEnd: number;
  readonly issueTime: number;
  readonly lastRenewal: number;
  readonly ttl: number;
  /** What its engine set as a maximum, beside the mount's; 0: none. */
  readonly maxTtl: number;
  readonly expireTime: number;
  readonly renewable: boolean;
  /** When the worker next looks at it: the expiry, or the next attempt to revoke. Milliseconds. */
  readonly dueMs: number;
  readonly attempts: number;
  /** Why revoking failed, once it is given up: the lease is irrevocable. Empty: it is not. */
  readonly revokeError: string;
  /** Uuid of the lease-count quota that it counts under; absent or empty: none. */
  readonly quota?: string;
}

const SUFFIX_LENGTH = 24;
const MS = 1000;
const byTokenKey = (tokenId: string, place: Place) => `lease/token/${tokenId}/${place}`;
/** Written with every lease of a token, read by whoever revokes the token: so that the two conflict. */
const leasesOfTokenKey = (tokenId: string) => `lease/token/${tokenId}`;
const IRREVOCABLE = "lease/irrevocable/";
const irrevocableKey = (place: Place) => IRREVOCABLE + place;
const codec = jsonCodec<LeaseEntry | TokenLease>();
const emptyCodec = jsonCodec<Record<string, never>>();

/** All of these take storage scoped to `core/`. */
export function getLease(storage: ReadStorage, place: Place): LeaseEntry | undefined {
  const found = storage.get(leaseKey(place), codec);
  return found && "place" in found ? found : undefined;
}

/** The place of a lease, a token's too, by its id: also by one from before its mount was moved, or removed. */
export function findLease(storage: ReadStorage, id: string): Place | undefined {
  return placesAt(storage, id).find((place) => getLease(storage, place) !== undefined || tokenAt(storage, place) !== undefined);
}

export function putLease(storage: WriteStorage, entry: LeaseEntry): void {
  storage.put(leaseKey(entry.place), codec, entry);
}

export function registerLease(storage: WriteStorage, path: string, mountUuid: string, token: TokenEntry, grant: SecretGrant, limits: TtlLimits, env: Environment, role = ""): LeaseWithWarnings {
  const now = Math.floor(env.now() / MS);
  const quota = countLease(storage, path, role, env);
  const maxTtl = Math.max(0, grant.maxTtlSeconds ?? 0);
  const latestEnd = token.type === "batch" ? token.expireTime : 0;
  const { ttl: allowed, warnings } = clipTtl(grant.ttlSeconds ?? 0, { period: 0, explicitMaxTtl: 0, age: 0 }, { ...limits, maxTtl: lowest(maxTtl, limits.maxTtl) });
  const ttl = lowest(allowed, secondsUntil(latestEnd, env));
  const tokenId = token.type === "batch" ? token.parent : token.id;
  const entry: LeaseEntry = {
    place: `${placeOf(storage, path, mountUuid) ?? `${mountUuid}/${path}`}/${randomText(env, SUFFIX_LENGTH)}`,
    mountUuid,
    kind: grant.kind,
    internalData: grant.internalData,
    tokenId,
    latestEnd,
    issueTime: now,
    lastRenewal: 0,
    ttl,
    maxTtl,
    expireTime: env.now() / MS + ttl,
    renewable: grant.renewable,
    dueMs: env.now() + ttl * MS,
    attempts: 0,
    revokeError: "",
    ...(quota !== "" && { quota }),
  };
  putLease(storage, entry);
  if (tokenId !== "") {
    storage.put(byTokenKey(tokenId, entry.place), emptyCodec, {});
    storage.put(leasesOfTokenKey(tokenId), emptyCodec, {});
  }
  scheduleExpiry(storage, entry.dueMs, "lease", entry.place);
  return { entry, warnings };
}

/** At least 1; 0 for never. */
const secondsUntil = (end: number, env: Environment): number => (end === 0 ? 0 : Math.max(1, Math.floor(end - env.now() / MS)));

/** Of maxima where 0 means none. */
const lowest = (...maxima: readonly number[]): number => Math.min(...maxima.filter((max) => max > 0));

/**
 * Renews a lease as its engine allows now, within the limits of its mount. Throws RequestError 400 for an unknown, ended or
 * not renewable lease, or what the engine refuses it with.
 */
export async function renewLease(storage: WriteStorage, id: string, increment: number, neighbour: (uuid: string) => Neighbour | undefined, env: Environment): Promise<LeaseWithWarnings> {
  const place = findLease(storage, id);
  if (place !== undefined && tokenAt(storage, place) !== undefined) throw invalid("tokens cannot be renewed through this endpoint");
  const entry = place === undefined ? undefined : getLease(storage, place);
  const found = entry && neighbour(entry.mountUuid);
  if (!entry || !found || found.mount.entry.tainted) throw invalid("lease not found");
  if (entry.expireTime <= env.now() / MS || entry.revokeError !== "") throw invalid("lease expired");
  if (!entry.renewable) throw invalid("lease is not renewable");
  const { engine, storage: own, mount } = found;
  const now = Math.floor(env.now() / MS);
  const maxTtl = lowest(entry.maxTtl, mount.maxLeaseTtlSeconds, entry.latestEnd > 0 ? Math.floor(entry.latestEnd - entry.issueTime) : 0);
  const clip = (ttl = increment) => clipTtl(ttl, { period: 0, explicitMaxTtl: 0, age: now - entry.issueTime }, { defaultTtl: entry.ttl, maxTtl });
  const kind = engine.secrets?.find(({ name }) => name === entry.kind);
  const asked = await kind?.renew?.(entry.internalData, increment, own, mount, { id, issueTime: entry.issueTime, granted: (ttl) => clip(ttl).ttl });
  const { ttl, warnings } = clip(asked);
  if (ttl <= 0) throw invalid("past the max TTL, cannot renew");
  const renewed = { ...entry, ttl, lastRenewal: now, expireTime: env.now() / MS + ttl };
  reschedule(storage, renewed, env.now() + ttl * MS);
  return { entry: renewed, warnings };
}

/** What it got, and what is to be said of what was asked for. */
export interface LeaseWithWarnings {
  readonly entry: LeaseEntry;
  readonly warnings: readonly string[];
}

/** Moves the worker's next look at a lease. */
export function reschedule(storage: WriteStorage, entry: LeaseEntry, dueMs: number): void {
  cancelExpiry(storage, entry.dueMs, "lease", entry.place);
  putLease(storage, { ...entry, dueMs });
  scheduleExpiry(storage, dueMs, "lease", entry.place);
}

/** Due now: the active node's worker revokes it next. An unknown lease is no error. */
export function expireNow(storage: WriteStorage, place: Place, env: Environment): void {
  const entry = getLease(storage, place);
  if (!entry) return;
  // It ends with the order, not with its execution: nobody renews it meanwhile.
  const expireTime = Math.min(entry.expireTime, env.now() / MS);
  if (entry.revokeError !== "") storage.delete(irrevocableKey(place));
  reschedule(storage, { ...entry, expireTime, attempts: 0, revokeError: "" }, env.now());
}

export function forgetLease(storage: WriteStorage, entry: LeaseEntry): void {
  cancelExpiry(storage, entry.dueMs, "lease", entry.place);
  uncountLease(storage, entry.quota, entry.place);
  storage.delete(leaseKey(entry.place));
  if (entry.tokenId !== "") storage.delete(byTokenKey(entry.tokenId, entry.place));
  if (entry.revokeError !== "") storage.delete(irrevocableKey(entry.place));
}

/** Revocation is given up, but for a look once in a while; `error` is shown to operators. */
export function markIrrevocable(storage: WriteStorage, entry: LeaseEntry, error: string, dueMs: number): void {
  storage.put(irrevocableKey(entry.place), emptyCodec, {});
  reschedule(storage, { ...entry, revokeError: error }, dueMs);
}

/** Leases whose revocation was given up. */
export function irrevocableLeases(storage: ReadStorage): Promise<Place[]> {
  return storage.keys(IRREVOCABLE);
}

/** The leases of a token that goes are ended by the active node's worker, which takes them a slice at a time. */
export function expireLeasesOf(storage: WriteStorage, tokenId: string, env: Environment): void {
  // Lists are not validated at commit; this guard is.
  if (!storage.get(leasesOfTokenKey(tokenId), emptyCodec)) return;
  storage.delete(leasesOfTokenKey(tokenId));
  scheduleExpiry(storage, env.now(), "owner", tokenId);
}

/** A slice of what `expireLeasesOf` ordered. True when it was the last. */
export async function expireSliceOf(storage: WriteStorage, tokenId: string, limit: number, env: Environment): Promise<boolean> {
  const places = await storage.keys(`${leasesOfTokenKey(tokenId)}/`, { limit });
  for (const place of places) {
    expireNow(storage, place, env);
    storage.delete(byTokenKey(tokenId, place));
  }
  return places.length < limit;
}
