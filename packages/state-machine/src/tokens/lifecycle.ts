import { denied, invalid, RequestError } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { accessorCodec, accessorKey, childKey, emptyCodec, isExpired, newAccessor, newTokenText, tokenCodec, tokenId, tokenKey } from "./entry.js";
import type { TokenEntry } from "./entry.js";
import { cancelExpiry, scheduleExpiry } from "./expiry.js";

/** All of these take storage scoped to `core/`. */
export interface NewToken {
  /** Only root may choose it. */
  readonly text?: string;
  readonly parent: string;
  readonly policies: readonly string[];
  readonly path: string;
  readonly meta?: Readonly<Record<string, string>> | null;
  readonly displayName: string;
  readonly numUses?: number;
  /** Seconds; 0 never expires. Already clipped. */
  readonly ttl: number;
  readonly explicitMaxTtl?: number;
  readonly period?: number;
  readonly renewable?: boolean;
  readonly role?: string;
  readonly boundCidrs?: readonly string[];
  readonly mountUuid?: string;
  readonly internalData?: Readonly<Record<string, unknown>>;
}

const MS = 1000;

export function createToken(storage: WriteStorage, token: NewToken, env: Environment): { readonly text: string; readonly entry: TokenEntry } {
  const text = token.text ?? newTokenText(env);
  const id = tokenId(storage, text);
  if (storage.get(tokenKey(id), tokenCodec)) throw invalid("cannot create a token with a duplicate ID");
  const now = Math.floor(env.now() / MS);
  const entry: TokenEntry = {
    id,
    accessor: newAccessor(env),
    parent: token.parent,
    policies: token.policies,
    path: token.path,
    meta: token.meta ?? null,
    displayName: token.displayName,
    numUses: token.numUses ?? 0,
    creationTime: now,
    ttl: token.ttl,
    creationTtl: token.ttl,
    explicitMaxTtl: token.explicitMaxTtl ?? 0,
    period: token.period ?? 0,
    renewable: token.ttl > 0 && (token.renewable ?? true),
    lastRenewal: 0,
    expireTime: token.ttl > 0 ? now + token.ttl : 0,
    entityId: "",
    role: token.role ?? "",
    boundCidrs: token.boundCidrs ?? [],
    mountUuid: token.mountUuid ?? "",
    internalData: token.internalData ?? {},
  };
  storage.put(tokenKey(id), tokenCodec, entry);
  storage.put(accessorKey(entry.accessor), accessorCodec, { id });
  if (entry.parent !== "") storage.put(childKey(entry.parent, id), emptyCodec, {});
  if (entry.expireTime !== 0) scheduleExpiry(storage, entry.expireTime * MS, "token", id);
  return { text, entry };
}

/** Returns the token, which never expires; `text` chooses it. */
export function createRootToken(storage: WriteStorage, env: Environment, text?: string): string {
  return createToken(storage, { ...(text !== undefined && { text }), parent: "", policies: ["root"], path: "auth/token/root", displayName: "root", ttl: 0 }, env).text;
}

/** The live entry of a token; an expired or used-up one is as good as gone. */
export function findToken(storage: ReadStorage, id: string, env: Environment): TokenEntry | undefined {
  const entry = storage.get(tokenKey(id), tokenCodec);
  return entry && entry.numUses >= 0 && !isExpired(entry, env.now() / MS) ? entry : undefined;
}

export function findByAccessor(storage: ReadStorage, accessor: string, env: Environment): TokenEntry | undefined {
  const found = storage.get(accessorKey(accessor), accessorCodec);
  return found && findToken(storage, found.id, env);
}

/** One use of a token with limited uses; true when it was the last. */
export function useToken(storage: WriteStorage, entry: TokenEntry): boolean {
  const left = entry.numUses - 1;
  storage.put(tokenKey(entry.id), tokenCodec, { ...entry, numUses: left === 0 ? -1 : left });
  return left === 0;
}

function remove(storage: WriteStorage, entry: TokenEntry): void {
  storage.delete(tokenKey(entry.id));
  storage.delete(accessorKey(entry.accessor));
  if (entry.parent !== "") storage.delete(childKey(entry.parent, entry.id));
  if (entry.expireTime !== 0) cancelExpiry(storage, entry.expireTime * MS, "token", entry.id);
}

/** What hangs on a token and goes with it; the leases room tells what that is. */
export type TokenRemoved = (storage: WriteStorage, entry: TokenEntry) => Promise<void> | void;

/** Revokes a token and all below it. A child made meanwhile conflicts: its parent's entry was read, and is gone. */
export async function revokeTree(storage: WriteStorage, id: string, removed: TokenRemoved): Promise<void> {
  const pending = [id];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const child of await storage.list(`token/parent/${next}/`)) {
      pending.push(child);
      storage.delete(childKey(next, child));
    }
    const entry = storage.get(tokenKey(next), tokenCodec);
    if (!entry) continue;
    remove(storage, entry);
    await removed(storage, entry);
  }
}

/** Revokes only the token; its children become orphans. */
export async function revokeOrphan(storage: WriteStorage, id: string, removed: TokenRemoved): Promise<void> {
  const entry = storage.get(tokenKey(id), tokenCodec);
  if (!entry) throw new RequestError("invalid_request", "token to revoke not found");
  for (const child of await storage.list(`token/parent/${id}/`)) {
    storage.delete(childKey(id, child));
    const orphan = storage.get(tokenKey(child), tokenCodec);
    if (orphan) storage.put(tokenKey(child), tokenCodec, { ...orphan, parent: "" });
  }
  remove(storage, entry);
  await removed(storage, entry);
}

export interface TtlLimits {
  readonly defaultTtl: number;
  readonly maxTtl: number;
}

/** Extends a token; returns the new entry. Throws RequestError 400 for one that is not renewable. Seconds. */
export function renewToken(storage: WriteStorage, entry: TokenEntry, increment: number, limits: TtlLimits, env: Environment): { readonly entry: TokenEntry; readonly warnings: readonly string[] } {
  if (!entry.renewable) throw invalid("lease is not renewable");
  const now = Math.floor(env.now() / MS);
  const { ttl, warnings } = clipTtl(entry.period > 0 ? entry.period : increment, { period: entry.period, explicitMaxTtl: entry.explicitMaxTtl, age: now - entry.creationTime }, limits);
  if (ttl <= 0) throw invalid("past the max TTL, cannot renew");
  cancelExpiry(storage, entry.expireTime * MS, "token", entry.id);
  const renewed: TokenEntry = { ...entry, ttl, lastRenewal: now, expireTime: now + ttl };
  storage.put(tokenKey(entry.id), tokenCodec, renewed);
  scheduleExpiry(storage, renewed.expireTime * MS, "token", entry.id);
  return { entry: renewed, warnings };
}

/** The TTL that a token gets: asked for, or the default, within what remains of the maxima. Seconds. */
export function clipTtl(asked: number, rules: { readonly period: number; readonly explicitMaxTtl: number; readonly age: number }, limits: TtlLimits): { readonly ttl: number; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  let ttl = rules.period > 0 ? rules.period : asked > 0 ? asked : limits.defaultTtl;
  // A periodic token lives as long as it is renewed in time, unless it has an explicit end.
  const max = rules.period > 0 ? rules.explicitMaxTtl : rules.explicitMaxTtl > 0 ? Math.min(rules.explicitMaxTtl, limits.maxTtl) : limits.maxTtl;
  if (max > 0 && ttl > max - rules.age) {
    const clipped = Math.max(0, max - rules.age);
    warnings.push(`TTL of "${ttl}s" exceeded the effective max_ttl of "${clipped}s"; TTL value is capped accordingly`);
    ttl = clipped;
  }
  return { ttl, warnings };
}

/** A token bound to networks serves only callers in them. Without an address (in-process) it serves nobody. */
export function checkBoundCidrs(entry: TokenEntry, remoteAddress: string, contains: (cidr: string, address: string) => boolean): void {
  if (entry.boundCidrs.length > 0 && !entry.boundCidrs.some((cidr) => contains(cidr, remoteAddress))) throw denied();
}
