import { RequestError } from "../errors.js";
import type { WriteStorage } from "../framework/storage.js";
import { uncountLease } from "../quotas/lease-count.js";
import { childKey, childrenKey, emptyCodec, tokenCodec, tokenKey } from "./entry.js";
import type { TokenEntry } from "./entry.js";
import { cancelExpiry, scheduleExpiry } from "./expiry.js";
import { leaseKey } from "./lease.js";

const MS = 1000;
/**
 * Tokens that one write set revokes at most. The rest of a larger tree is invalid from then on, since nobody finds a token
 * whose ancestors are not all there; the active node's worker takes it away, a slice at a time.
 */
export const REVOCATION_SLICE = 256;
/** Sorts before all that has a time. */
const AT_ONCE = 0;

/** All of these take storage scoped to `core/`. What hangs on a token and goes with it: the leases room tells what that is. */
export type TokenRemoved = (storage: WriteStorage, entry: TokenEntry) => Promise<void> | void;

function unlink(storage: WriteStorage, entry: TokenEntry): void {
  if (entry.lease !== undefined) storage.delete(leaseKey(entry.lease));
  uncountLease(storage, entry.quota, entry.id);
  if (entry.parent !== "") storage.delete(childKey(entry.parent, entry.id));
  if (entry.expireTime !== 0) cancelExpiry(storage, entry.expireTime * MS, "token", entry.id);
}

interface Taken {
  readonly children: readonly string[];
  readonly isAll: boolean;
}

/** At most `limit` children, none of which is left behind as one. */
async function takeChildren(storage: WriteStorage, id: string, limit: number): Promise<Taken> {
  // Lists are not validated at commit; this guard is, and whoever makes a child writes it.
  if (!storage.get(childrenKey(id), emptyCodec)) return { children: [], isAll: true };
  const found = await storage.list(`${childrenKey(id)}/`, { limit: limit + 1 });
  const children = found.slice(0, limit);
  for (const child of children) storage.delete(childKey(id, child));
  const isAll = found.length <= limit;
  if (isAll) storage.delete(childrenKey(id));
  return { children, isAll };
}

/** Revokes a token and all below it, a slice (`limit` tokens) now. An unknown one is no error: its children may still be there. */
export async function revokeTree(storage: WriteStorage, id: string, removed: TokenRemoved, limit = REVOCATION_SLICE): Promise<void> {
  cancelExpiry(storage, AT_ONCE, "tree", id);
  const pending = [id];
  let left = limit;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const entry = storage.get(tokenKey(next), tokenCodec);
    if (entry) {
      storage.delete(tokenKey(next));
      unlink(storage, entry);
      await removed(storage, entry);
    }
    // Those that were taken already are within what is left.
    left = Math.max(0, left - 1);
    const { children, isAll } = await takeChildren(storage, next, Math.max(0, left - pending.length));
    pending.push(...children);
    if (!isAll) scheduleExpiry(storage, AT_ONCE, "tree", next);
  }
}

/** Revokes only the token; its children become orphans. Throws RequestError 400 for an unknown one. */
export async function revokeOrphan(storage: WriteStorage, id: string, removed: TokenRemoved): Promise<void> {
  const entry = storage.get(tokenKey(id), tokenCodec);
  if (!entry) throw new RequestError("invalid_request", "token to revoke not found");
  unlink(storage, entry);
  await removed(storage, entry);
  // No token any more, but an ancestor, until the last child has been told.
  storage.put(tokenKey(id), tokenCodec, { ...entry, parent: "", numUses: -1, expireTime: 0 });
  await releaseChildren(storage, id);
}

/** A slice of the children of a token that was revoked alone. */
export async function releaseChildren(storage: WriteStorage, id: string): Promise<void> {
  const { children, isAll } = await takeChildren(storage, id, REVOCATION_SLICE);
  for (const child of children) {
    const orphan = storage.get(tokenKey(child), tokenCodec);
    if (orphan) storage.put(tokenKey(child), tokenCodec, { ...orphan, parent: "" });
  }
  if (isAll) {
    storage.delete(tokenKey(id));
    cancelExpiry(storage, AT_ONCE, "orphans", id);
  } else scheduleExpiry(storage, AT_ONCE, "orphans", id);
}
