import { invalid } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { accessorCodec, accessorKey, childKey, childrenKey, emptyCodec, isExpired, newAccessor, newTokenText, tokenCodec, tokenId, tokenKey } from "./entry.js";
import type { TokenEntry } from "./entry.js";
import { cancelExpiry, scheduleExpiry } from "./expiry.js";
import { clipTtl } from "./ttl.js";
import type { TtlLimits } from "./ttl.js";

const MS = 1000;

/** All of these take storage scoped to `core/`. */
export interface NewToken {
  /** Made up when absent. */
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
  readonly entityId?: string;
  readonly boundCidrs?: readonly string[];
  readonly mountUuid?: string;
  readonly internalData?: Readonly<Record<string, unknown>>;
}

/** Throws RequestError 400 where the chosen text is taken. */
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
    expireTime: token.ttl > 0 ? env.now() / MS + token.ttl : 0,
    entityId: token.entityId ?? "",
    role: token.role ?? "",
    boundCidrs: token.boundCidrs ?? [],
    mountUuid: token.mountUuid ?? "",
    internalData: token.internalData ?? {},
  };
  storage.put(tokenKey(id), tokenCodec, entry);
  storage.put(accessorKey(entry.accessor), accessorCodec, { id });
  if (entry.parent !== "") {
    storage.put(childKey(entry.parent, id), emptyCodec, {});
    storage.put(childrenKey(entry.parent), emptyCodec, {});
  }
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

/** One use of a token with limited uses; true when it was the last. The request may have renewed or revoked it meanwhile. */
export function useToken(storage: WriteStorage, { id }: TokenEntry): boolean {
  const entry = storage.get(tokenKey(id), tokenCodec);
  if (!entry || entry.numUses <= 0) return false;
  const left = entry.numUses - 1;
  storage.put(tokenKey(id), tokenCodec, { ...entry, numUses: left === 0 ? -1 : left });
  return left === 0;
}

export interface Renewed {
  readonly entry: TokenEntry;
  readonly warnings: readonly string[];
}

/** Extends a token by `increment` seconds; 0: by as much as it was given last. Throws RequestError 400 where that cannot be. */
export function renewToken(storage: WriteStorage, entry: TokenEntry, increment: number, { maxTtl }: Pick<TtlLimits, "maxTtl">, env: Environment): Renewed {
  if (!entry.renewable) throw invalid("lease is not renewable");
  const now = Math.floor(env.now() / MS);
  const rules = { period: entry.period, explicitMaxTtl: entry.explicitMaxTtl, age: now - entry.creationTime };
  const { ttl, warnings } = clipTtl(increment, rules, { defaultTtl: entry.ttl, maxTtl });
  if (ttl <= 0) throw invalid("past the max TTL, cannot renew");
  cancelExpiry(storage, entry.expireTime * MS, "token", entry.id);
  const renewed: TokenEntry = { ...entry, ttl, lastRenewal: now, expireTime: env.now() / MS + ttl };
  storage.put(tokenKey(entry.id), tokenCodec, renewed);
  scheduleExpiry(storage, renewed.expireTime * MS, "token", entry.id);
  return { entry: renewed, warnings };
}
