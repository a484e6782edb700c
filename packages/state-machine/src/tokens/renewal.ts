import { invalid } from "../errors.js";
import type { Environment, Neighbour, Renewal } from "../framework/engine.js";
import type { WriteStorage } from "../framework/storage.js";
import { refreshExternalGroups } from "../identity/login.js";
import { tokenCodec, tokenKey } from "./entry.js";
import type { TokenEntry } from "./entry.js";
import { cancelExpiry, scheduleExpiry } from "./expiry.js";
import { clipTtl } from "./ttl.js";

const MS = 1000;

/** What a renewal may give. Seconds. */
export interface RenewalTerms {
  /** For who asks for nothing; absent: as much as the token was given last. */
  readonly defaultTtl?: number;
  /** 0: none. */
  readonly maxTtl: number;
  /** Absent: the token's own. */
  readonly period?: number;
  /** Absent: the token's own. */
  readonly explicitMaxTtl?: number;
}

export interface Renewed {
  readonly entry: TokenEntry;
  readonly warnings: readonly string[];
}

/** Extends a token by `increment` seconds (0: none asked for). Throws RequestError 400 where that cannot be. Storage is scoped to `core/`. */
export function renewToken(storage: WriteStorage, entry: TokenEntry, increment: number, { defaultTtl = entry.ttl, maxTtl, period = entry.period, explicitMaxTtl = entry.explicitMaxTtl }: RenewalTerms, env: Environment): Renewed {
  requireRenewable(entry);
  const now = Math.floor(env.now() / MS);
  const { ttl, warnings } = clipTtl(increment, { period, explicitMaxTtl, age: now - entry.creationTime }, { defaultTtl, maxTtl });
  if (ttl <= 0) throw invalid("past the max TTL, cannot renew");
  cancelExpiry(storage, entry.expireTime * MS, "token", entry.id);
  const renewed: TokenEntry = { ...entry, ttl, period, explicitMaxTtl, lastRenewal: now, expireTime: env.now() / MS + ttl };
  storage.put(tokenKey(entry.id), tokenCodec, renewed);
  scheduleExpiry(storage, renewed.expireTime * MS, "token", entry.id);
  return { entry: renewed, warnings };
}

/**
 * Renews the token of a login as its auth method allows now, within the limits of the mount that it logged in on; its entity's
 * external groups become what the method says. Throws RequestError 400, or what the method refuses it with.
 */
export async function renewLogin(storage: WriteStorage, entry: TokenEntry, increment: number, { engine, storage: own, mount }: Neighbour, by: Renewal, env: Environment): Promise<Renewed> {
  requireRenewable(entry);
  const { ttlSeconds, maxTtlSeconds = entry.maxTtl, periodSeconds = entry.period, groupAliases } = (await engine.renewLogin?.(entry.internalData, own, mount, by)) ?? {};
  const terms = {
    defaultTtl: ttlSeconds === undefined ? entry.ttl : ttlSeconds || mount.defaultLeaseTtlSeconds,
    maxTtl: maxTtlSeconds > 0 ? Math.min(maxTtlSeconds, mount.maxLeaseTtlSeconds) : mount.maxLeaseTtlSeconds,
    period: periodSeconds,
  };
  const renewed = renewToken(storage, { ...entry, maxTtl: maxTtlSeconds }, increment, terms, env);
  if (groupAliases) refreshExternalGroups(storage, entry.entityId, mount.entry.accessor, groupAliases);
  return renewed;
}

function requireRenewable({ renewable }: TokenEntry): void {
  if (!renewable) throw invalid("lease is not renewable");
}
