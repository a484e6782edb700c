import type { ApiRequest } from "../request/api.js";
import { quotaIndex } from "./match.js";
import type { QuotaSettings, QuotaTable, RateLimitQuota } from "./quota.js";

/** What a limit says to one request. Seconds. */
export interface RateVerdict {
  readonly quota: RateLimitQuota;
  readonly isAllowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Until the next interval, or until a blocked client is let in again. */
  readonly resetSeconds: number;
}

/** Of one node: each counts the requests that clients send to it. */
export interface RateLimiter {
  /** Undefined where no quota applies. Hot path: with no quotas it is one comparison. */
  take(request: Pick<ApiRequest, "path" | "remoteAddress">, role: () => string | undefined): RateVerdict | undefined;
  settings(): QuotaSettings;
  /** Quotas or settings may have changed. */
  reload(): void;
}

export interface RateLimiterOptions {
  /** As stored now. Throws where the node is sealed. */
  readonly read: () => { readonly table: QuotaTable<RateLimitQuota>; readonly settings: QuotaSettings };
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

interface Client {
  windowStart: number;
  used: number;
  /** Milliseconds since 1970; 0: not blocked. */
  blockedUntil: number;
}

const MS = 1000;
/** Clients that are remembered; beyond that the ones whose interval is over are let go of, and then the oldest. */
const MAX_CLIENTS = 100_000;

export function createRateLimiter({ read, now }: RateLimiterOptions): RateLimiter {
  let known: ReturnType<RateLimiterOptions["read"]> | undefined;
  const clients = new Map<string, Client>();

  const current = () => (known ??= read());

  function clientOf(quota: RateLimitQuota, address: string, time: number): Client {
    const key = `${quota.uuid} ${address}`;
    const found = clients.get(key);
    if (found) return found;
    if (clients.size >= MAX_CLIENTS) makeRoom(time);
    const made: Client = { windowStart: time, used: 0, blockedUntil: 0 };
    clients.set(key, made);
    return made;
  }

  function makeRoom(time: number): void {
    const intervals = new Map(Object.values(current().table).map(({ uuid, intervalSeconds }) => [uuid, intervalSeconds * MS]));
    for (const [key, { windowStart, blockedUntil }] of clients) {
      const interval = intervals.get(key.slice(0, key.indexOf(" "))) ?? 0;
      if (windowStart + interval <= time && blockedUntil <= time) clients.delete(key);
    }
    // All are within their interval: a tenth goes, those who came first.
    if (clients.size < MAX_CLIENTS) return;
    let left = MAX_CLIENTS / 10;
    for (const key of clients.keys()) {
      if (left-- <= 0) return;
      clients.delete(key);
    }
  }

  function decide(quota: RateLimitQuota, address: string): RateVerdict {
    const time = now();
    const client = clientOf(quota, address, time);
    const interval = quota.intervalSeconds * MS;
    const limit = Math.max(1, Math.round(quota.rate));
    const verdict = (isAllowed: boolean, until: number): RateVerdict => ({ quota, isAllowed, limit, remaining: Math.max(0, limit - client.used), resetSeconds: Math.max(0, Math.ceil((until - time) / MS)) });
    if (client.blockedUntil > time) return { ...verdict(false, client.blockedUntil), remaining: 0 };
    // Whole intervals since the client's first request, as Vault counts them.
    if (time - client.windowStart >= interval || time < client.windowStart) {
      client.windowStart = time < client.windowStart ? time : time - ((time - client.windowStart) % interval);
      client.used = 0;
    }
    const end = client.windowStart + interval;
    if (client.used < limit) {
      client.used += 1;
      return verdict(true, end);
    }
    if (quota.blockSeconds > 0) client.blockedUntil = time + quota.blockSeconds * MS;
    return verdict(false, Math.max(client.blockedUntil, end));
  }

  return {
    take({ path, remoteAddress }, role) {
      const { table, settings } = current();
      const index = quotaIndex(table);
      if (index.isEmpty || isExempt(settings.exemptPaths, path)) return undefined;
      const quota = index.find(path, role);
      return quota && decide(quota, remoteAddress);
    },
    settings: () => current().settings,
    reload() {
      known = undefined;
    },
  };
}

function isExempt(exempt: readonly string[], path: string): boolean {
  return exempt.some((one) => (one.endsWith("*") ? path.startsWith(one.slice(0, -1)) : one === path || `${one}/` === path));
}
