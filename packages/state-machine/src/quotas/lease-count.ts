import { RequestError } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { quotaIndex } from "./match.js";
import { leaseCounts } from "./quota.js";
import type { LeaseCountQuota } from "./quota.js";

/**
 * How many leases a quota has given out, exactly: counted in the write set that makes or ends a lease. One counter would make
 * every login conflict with every other one, so there are several, each with its part of the maximum: whoever makes a lease
 * counts it in one that has room, and is refused only when all are full. That holds since a part is never exceeded, but by what
 * was there before: this much more stands in the first counter, which is emptied before any other.
 */
const PARTS = 64;
const codec = jsonCodec<number>();
const partKey = (uuid: string, part: number) => `quotas/leases/${uuid}/${part}`;
const usedOf = (storage: ReadStorage, uuid: string, part: number): number => storage.get(partKey(uuid, part), codec) ?? 0;
const shareOf = (maximum: number, part: number): number => Math.floor(maximum / PARTS) + (part < maximum % PARTS ? 1 : 0);

/** All of these take storage scoped to `core/`. */
export function leasesUnder(storage: ReadStorage, { uuid }: LeaseCountQuota): number {
  let sum = 0;
  for (let part = 0; part < PARTS; part++) sum += usedOf(storage, uuid, part);
  return sum;
}

function setUsed(storage: WriteStorage, uuid: string, part: number, used: number): void {
  if (used === 0) storage.delete(partKey(uuid, part));
  else storage.put(partKey(uuid, part), codec, used);
}

export const hasLeaseCounts = (storage: ReadStorage): boolean => !quotaIndex(leaseCounts(storage)).isEmpty;

/** The quota that a lease of this path counts under. */
export function leaseQuotaFor(storage: ReadStorage, path: string, role: string): LeaseCountQuota | undefined {
  const index = quotaIndex(leaseCounts(storage));
  return index.isEmpty ? undefined : index.find(path, () => role);
}

/**
 * Counts a lease, or a service token that ends, under the quota that applies to it. Returns that quota's uuid for the entry to
 * keep; empty where there is none. Throws RequestError 429.
 */
export function countLease(storage: WriteStorage, path: string, role: string, env: Environment): string {
  const quota = leaseQuotaFor(storage, path, role);
  if (!quota) return "";
  const first = env.randomBytes(1)[0]! % PARTS;
  for (let i = 0; i < PARTS; i++) {
    const part = (first + i) % PARTS;
    const used = usedOf(storage, quota.uuid, part);
    if (used >= shareOf(quota.maxLeases, part)) continue;
    setUsed(storage, quota.uuid, part, used + 1);
    return quota.uuid;
  }
  throw new RequestError("rate_limited", `request path ${JSON.stringify(path)}: lease count quota exceeded`);
}

/** A lease ended. `id`: its own, by which a counter is chosen. A quota that is gone counts no more. */
export function uncountLease(storage: WriteStorage, uuid: string | undefined, id: string): void {
  if (uuid === undefined || uuid === "") return;
  const quota = Object.values(leaseCounts(storage)).find((one) => one.uuid === uuid);
  if (!quota) return;
  const isOverfull = usedOf(storage, uuid, 0) > shareOf(quota.maxLeases, 0);
  const first = isOverfull ? 0 : (id.charCodeAt(id.length - 1) + id.charCodeAt(id.length - 2)) % PARTS;
  for (let i = 0; i < PARTS; i++) {
    const part = (first + i) % PARTS;
    const used = usedOf(storage, uuid, part);
    if (used === 0) continue;
    setUsed(storage, uuid, part, used - 1);
    return;
  }
}

/** Spreads what is counted, and `more` that was there before, anew over the parts of another maximum. */
export function spreadLeases(storage: WriteStorage, quota: LeaseCountQuota, more = 0): void {
  let left = leasesUnder(storage, quota) + more;
  for (let part = PARTS - 1; part >= 0; part--) {
    const used = part === 0 ? left : Math.min(left, shareOf(quota.maxLeases, part));
    setUsed(storage, quota.uuid, part, used);
    left -= used;
  }
}

export function dropLeaseCount(storage: WriteStorage, { uuid }: LeaseCountQuota): void {
  for (let part = 0; part < PARTS; part++) storage.delete(partKey(uuid, part));
}
