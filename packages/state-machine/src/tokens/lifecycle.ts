import { invalid } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { mountRow } from "../mounts/index.js";
import { countLease } from "../quotas/lease-count.js";
import { openBatchToken } from "./batch.js";
import { BATCH_PREFIX, childKey, childrenKey, emptyCodec, isExpired, newTokenText, shownTokenId, tokenCodec, tokenId, tokenKey } from "./entry.js";
import type { TokenEntry } from "./entry.js";
import { scheduleExpiry } from "./expiry.js";
import { fileToken } from "./lease.js";

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
  readonly maxTtl?: number;
  readonly period?: number;
  readonly renewable?: boolean;
  readonly entityId?: string;
  readonly role?: string;
  readonly boundCidrs?: readonly string[];
  readonly mountUuid?: string;
  readonly internalData?: Readonly<Record<string, unknown>>;
  /** For the quotas that count it; absent: the token role. */
  readonly loginRole?: string;
}

/** Throws RequestError 400 where the chosen text is taken. */
export function createToken(storage: WriteStorage, token: NewToken, env: Environment): { readonly text: string; readonly entry: TokenEntry } {
  const text = token.text ?? newTokenText(env);
  const id = tokenId(storage, text);
  // One that is made up has 142 bits of chance: only a chosen one can be taken.
  if (token.text !== undefined && storage.get(tokenKey(id), tokenCodec)) throw invalid("cannot create a token with a duplicate ID");
  const now = Math.floor(env.now() / MS);
  // What never ends is no lease; and what wraps an answer is nobody's login.
  const quota = token.ttl > 0 && token.policies[0] !== "response-wrapping" ? countLease(storage, token.path, token.loginRole ?? token.role ?? "", env) : "";
  const lease = token.ttl > 0 ? fileToken(storage, token.path, token.mountUuid ?? "", id) : undefined;
  const entry: TokenEntry = {
    id,
    type: "service",
    accessor: id,
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
    maxTtl: token.maxTtl ?? 0,
    period: token.period ?? 0,
    renewable: token.ttl > 0 && (token.renewable ?? true),
    lastRenewal: 0,
    expireTime: token.ttl > 0 ? env.now() / MS + token.ttl : 0,
    entityId: token.entityId ?? "",
    role: token.role ?? "",
    boundCidrs: token.boundCidrs ?? [],
    mountUuid: token.mountUuid ?? "",
    internalData: token.internalData ?? {},
    ...(quota !== "" && { quota }),
    ...(lease !== undefined && { lease }),
  };
  storage.put(tokenKey(id), tokenCodec, entry);
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

/** The live entry of a token; an expired or used-up one is as good as gone, and so is that of a login whose mount is. */
export function findToken(storage: ReadStorage, id: string, env: Environment): TokenEntry | undefined {
  const entry = storage.get(tokenKey(id), tokenCodec);
  return entry && entry.numUses >= 0 && !isExpired(entry, env.now() / MS) && isMounted(storage, entry) && hasAncestors(storage, entry) ? entry : undefined;
}

/** With a token go all below it, at once, however many they are: see `revocation.ts`. */
function hasAncestors(storage: ReadStorage, { parent }: TokenEntry): boolean {
  for (let id = parent; id !== ""; ) {
    const ancestor = storage.get(tokenKey(id), tokenCodec);
    if (!ancestor) return false;
    id = ancestor.parent;
  }
  return true;
}

/** The live entry of a token as callers present it. */
export function findTokenByText(storage: ReadStorage, text: string, env: Environment): TokenEntry | undefined {
  if (!text.startsWith(BATCH_PREFIX)) return findToken(storage, shownTokenId(storage, text), env);
  const entry = openBatchToken(storage, text);
  if (!entry || isExpired(entry, env.now() / MS) || !isMounted(storage, entry)) return undefined;
  return entry.parent === "" || findToken(storage, entry.parent, env) ? entry : undefined;
}

/** With an auth mount go the tokens of its logins, at once, however many they are; their time cleans up after them. */
function isMounted(storage: ReadStorage, { mountUuid }: TokenEntry): boolean {
  if (mountUuid === "") return true;
  const mount = mountRow(storage, mountUuid);
  return mount !== undefined && !mount.tainted;
}

export function findByAccessor(storage: ReadStorage, accessor: string, env: Environment): TokenEntry | undefined {
  return accessor === "" ? undefined : findToken(storage, accessor, env);
}

/** One use of a token with limited uses; true when it was the last. The request may have renewed or revoked it meanwhile. */
export function useToken(storage: WriteStorage, { id }: TokenEntry): boolean {
  const entry = storage.get(tokenKey(id), tokenCodec);
  if (!entry || entry.numUses <= 0) return false;
  const left = entry.numUses - 1;
  storage.put(tokenKey(id), tokenCodec, { ...entry, numUses: left === 0 ? -1 : left });
  return left === 0;
}
