import type { Apart } from "../framework/engine.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { getLease, putLease } from "../leases/lease.js";
import { pathOfPlace, placeOf } from "../mounts/index.js";
import type { Place } from "../mounts/index.js";
import { tokenCodec, tokenKey } from "../tokens/entry.js";
import type { TokenEntry } from "../tokens/entry.js";
import { leaseKey, tokenAt } from "../tokens/lease.js";
import { hasLeaseCounts, leaseQuotaFor, spreadLeases, uncountLease } from "./lease-count.js";
import { leaseCounts } from "./quota.js";
import type { LeaseCountQuota } from "./quota.js";

/** Leases that one write set takes over at most. */
const SLICE = 256;

/**
 * Counts what a new quota finds: leases and service tokens that were there before, of which some may have counted under a less
 * specific one. Slice by slice, each committed on its own, while new ones are counted already; may be repeated.
 */
export async function countThoseBefore(apart: Apart, quota: LeaseCountQuota, roleOfToken: (storage: ReadStorage, token: TokenEntry) => string): Promise<void> {
  const takes = (storage: WriteStorage, place: Place, role: string): boolean => {
    const path = pathOfPlace(storage, place.slice(0, place.lastIndexOf("/")));
    return hasLeaseCounts(storage) && leaseQuotaFor(storage, path, role)?.uuid === quota.uuid;
  };
  const folder = quota.mountPath === "" ? "" : await apart((storage) => placeOf(storage, quota.mountPath));
  if (folder === undefined) return;
  await walk(apart, leaseKey(folder), quota, (storage, name) => {
    const place = folder + name;
    const tokenId = tokenAt(storage, place);
    return tokenId === undefined ? takeSecret(storage, place) : takeToken(storage, place, tokenId);
  });

  function takeSecret(storage: WriteStorage, place: Place): boolean {
    const lease = getLease(storage, place);
    if (!lease || lease.quota === quota.uuid || !takes(storage, place, "")) return false;
    uncountLease(storage, lease.quota, lease.place);
    putLease(storage, { ...lease, quota: quota.uuid });
    return true;
  }

  function takeToken(storage: WriteStorage, place: Place, id: string): boolean {
    const token = storage.get(tokenKey(id), tokenCodec);
    if (!token || token.quota === quota.uuid || token.policies[0] === "response-wrapping" || !takes(storage, place, roleOfToken(storage, token))) return false;
    uncountLease(storage, token.quota, token.id);
    storage.put(tokenKey(id), tokenCodec, { ...token, quota: quota.uuid });
    return true;
  }
}

async function walk(apart: Apart, prefix: string, quota: LeaseCountQuota, take: (storage: WriteStorage, id: string) => boolean): Promise<void> {
  for (let after: string | undefined = ""; after !== undefined; ) {
    const from: string = after;
    after = await apart(async (storage) => {
      const ids = await storage.keys(prefix, { limit: SLICE, after: from });
      const taken = ids.filter((id) => take(storage, id)).length;
      const current = leaseCounts(storage)[quota.name];
      if (taken > 0 && current) spreadLeases(storage, current, taken);
      return ids.length < SLICE ? undefined : ids[ids.length - 1];
    });
  }
}
