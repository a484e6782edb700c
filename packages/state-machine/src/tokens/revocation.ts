import { RequestError } from "../errors.js";
import type { WriteStorage } from "../framework/storage.js";
import { accessorKey, childKey, childrenKey, emptyCodec, tokenCodec, tokenKey } from "./entry.js";
import type { TokenEntry } from "./entry.js";
import { cancelExpiry } from "./expiry.js";

const MS = 1000;

/** All of these take storage scoped to `core/`. What hangs on a token and goes with it: the leases room tells what that is. */
export type TokenRemoved = (storage: WriteStorage, entry: TokenEntry) => Promise<void> | void;

function remove(storage: WriteStorage, entry: TokenEntry): void {
  storage.delete(tokenKey(entry.id));
  storage.delete(accessorKey(entry.accessor));
  if (entry.parent !== "") storage.delete(childKey(entry.parent, entry.id));
  if (entry.expireTime !== 0) cancelExpiry(storage, entry.expireTime * MS, "token", entry.id);
}

/** The children, none of which is left behind as one. */
async function takeChildren(storage: WriteStorage, id: string): Promise<string[]> {
  // Lists are not validated at commit; this guard is, and whoever makes a child writes it.
  if (!storage.get(childrenKey(id), emptyCodec)) return [];
  const children = await storage.list(`${childrenKey(id)}/`);
  for (const child of children) storage.delete(childKey(id, child));
  storage.delete(childrenKey(id));
  return children;
}

/** Revokes a token and all below it. An unknown one is no error. */
export async function revokeTree(storage: WriteStorage, id: string, removed: TokenRemoved): Promise<void> {
  const pending = [id];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    pending.push(...(await takeChildren(storage, next)));
    const entry = storage.get(tokenKey(next), tokenCodec);
    if (!entry) continue;
    remove(storage, entry);
    await removed(storage, entry);
  }
}

/** Revokes only the token; its children become orphans. Throws RequestError 400 for an unknown one. */
export async function revokeOrphan(storage: WriteStorage, id: string, removed: TokenRemoved): Promise<void> {
  const entry = storage.get(tokenKey(id), tokenCodec);
  if (!entry) throw new RequestError("invalid_request", "token to revoke not found");
  for (const child of await takeChildren(storage, id)) {
    const orphan = storage.get(tokenKey(child), tokenCodec);
    if (orphan) storage.put(tokenKey(child), tokenCodec, { ...orphan, parent: "" });
  }
  remove(storage, entry);
  await removed(storage, entry);
}
