import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";

/** What a quota is about: everything, a mount, what is below a mount, or the logins of one role. */
export interface Scope {
  /** Full path of the mount, ending in `/`; empty: everything. */
  readonly mountPath: string;
  /** Below the mount, without a slash at its end; may end in `*`. Empty: all of it. */
  readonly suffix: string;
  /** Of an auth mount's logins; empty: any. */
  readonly role: string;
}

export interface RateLimitQuota extends Scope {
  readonly name: string;
  /** Changes with every write, and starts the count anew. */
  readonly uuid: string;
  /** Requests an interval, of one client's address on one node. */
  readonly rate: number;
  readonly intervalSeconds: number;
  /** 0: a client that asked too often waits for the next interval only. */
  readonly blockSeconds: number;
  readonly inheritable: boolean;
}

export interface LeaseCountQuota extends Scope {
  readonly name: string;
  /** Stays as long as the quota does: leases name it. */
  readonly uuid: string;
  readonly maxLeases: number;
  readonly inheritable: boolean;
}

export interface QuotaSettings {
  readonly exemptPaths: readonly string[];
  readonly auditsRefusals: boolean;
  readonly sendsHeaders: boolean;
}

/** By name. One value for all of a kind: whoever has none pays one look-up. */
export type QuotaTable<Q> = Readonly<Record<string, Q>>;

export const RATE_LIMITS_KEY = "quotas/rate-limit";
export const LEASE_COUNTS_KEY = "quotas/lease-count";
export const QUOTA_SETTINGS_KEY = "quotas/config";
const rateCodec = jsonCodec<QuotaTable<RateLimitQuota>>();
const leaseCodec = jsonCodec<QuotaTable<LeaseCountQuota>>();
const settingsCodec = jsonCodec<QuotaSettings>();
const NONE = Object.freeze({});

/** What an operator needs to save a cluster from its own quotas. */
const USUAL: QuotaSettings = Object.freeze({
  exemptPaths: ["sys/generate-recovery-token/attempt", "sys/generate-recovery-token/update", "sys/generate-root/attempt", "sys/generate-root/update", "sys/health", "sys/seal-status", "sys/unseal"],
  auditsRefusals: false,
  sendsHeaders: false,
});

/** All of these take storage scoped to `core/`. */
export const rateLimits = (storage: ReadStorage): QuotaTable<RateLimitQuota> => storage.get(RATE_LIMITS_KEY, rateCodec) ?? NONE;
export const leaseCounts = (storage: ReadStorage): QuotaTable<LeaseCountQuota> => storage.get(LEASE_COUNTS_KEY, leaseCodec) ?? NONE;
export const quotaSettings = (storage: ReadStorage): QuotaSettings => storage.get(QUOTA_SETTINGS_KEY, settingsCodec) ?? USUAL;
export const putQuotaSettings = (storage: WriteStorage, settings: QuotaSettings): void => storage.put(QUOTA_SETTINGS_KEY, settingsCodec, settings);
export const putRateLimits = (storage: WriteStorage, table: QuotaTable<RateLimitQuota>): void => storage.put(RATE_LIMITS_KEY, rateCodec, table);
export const putLeaseCounts = (storage: WriteStorage, table: QuotaTable<LeaseCountQuota>): void => storage.put(LEASE_COUNTS_KEY, leaseCodec, table);

export const shownPath = ({ mountPath, suffix }: Scope): string => mountPath + suffix;
export const isSameScope = (a: Scope, b: Scope): boolean => a.mountPath === b.mountPath && a.suffix === b.suffix && a.role === b.role;

