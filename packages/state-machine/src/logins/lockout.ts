import { field } from "../framework/fields.js";
import type { Environment, MountEntry } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { hashedName } from "../store/hashed-name.js";
import { cancelExpiry, scheduleExpiry } from "../tokens/expiry.js";

/**
 * User lockout: who fails to log in too often is refused for a while, whatever they show. Failures are in the store, so that a
 * new active node knows them. All functions that take storage take it scoped to `core/`.
 * Source: Vault's documentation, "User lockout" and "/sys/locked-users".
 */
export interface LockoutRules {
  /** Failures in a row that lock. */
  readonly threshold: number;
  readonly durationSeconds: number;
  /** Without a failure for so long, counting starts over. */
  readonly counterResetSeconds: number;
  readonly disabled: boolean;
}

/** What the server's configuration says; what it leaves out is Vault's default. */
export interface LockoutSettings {
  /** VAULT_DISABLE_USER_LOCKOUT, which is above everything else. */
  readonly disabled?: boolean;
  /** By auth method, `all` for those that are not named. */
  readonly byType?: Readonly<Record<string, Partial<LockoutRules>>>;
}

/** `user_lockout_config` of a mount as it is stored; zero and absent leave it to the server's configuration. */
export interface MountLockout {
  readonly lockout_threshold?: number;
  readonly lockout_duration?: number;
  readonly lockout_counter_reset_duration?: number;
  readonly lockout_disable?: boolean;
}

export const LOCKOUT_DEFAULTS: LockoutRules = Object.freeze({ threshold: 5, durationSeconds: 900, counterResetSeconds: 900, disabled: false });

/** Auth methods that tell who failed, and so can be tuned. */
export const LOCKOUT_TYPES: readonly string[] = ["userpass", "approle", "ldap"];

/** Members of a mount's `user_lockout_config`; durations may be `system`, for the server's. */
export const mountLockoutFields = {
  lockout_threshold: field.int({ description: "Failed logins in a row that lock a user." }),
  lockout_duration: field.duration({ description: "How long a user stays locked." }),
  lockout_counter_reset_duration: field.duration({ description: "After so long without a failure, counting starts over." }),
  lockout_disable: field.bool({ description: "Locks nobody." }),
};

export function lockoutRules({ disabled, byType = {} }: LockoutSettings, { type, config }: Pick<MountEntry, "type" | "config">): LockoutRules {
  const rules: LockoutRules = { ...LOCKOUT_DEFAULTS, ...byType["all"], ...(type === "all" ? {} : byType[type]) };
  const tuned = config.user_lockout_config ?? {};
  return {
    threshold: tuned.lockout_threshold || rules.threshold,
    durationSeconds: tuned.lockout_duration || rules.durationSeconds,
    counterResetSeconds: tuned.lockout_counter_reset_duration || rules.counterResetSeconds,
    disabled: disabled ?? (tuned.lockout_disable || rules.disabled),
  };
}

interface Failures {
  /** The name of the alias that the login would have had. */
  readonly alias: string;
  readonly count: number;
  readonly lastMs: number;
  /** Of the entry in the expiry index that ends it. */
  readonly dueMs: number;
}

const codec = jsonCodec<Failures>();
const MS = 1000;
const ROOT = "lockout/";

/** Names may be long and hold anything; keys may not. */
const nameOf = (accessor: string, alias: string) => `${accessor}/${hashedName(alias)}`;

function isLocking({ count, lastMs }: Failures, { threshold, durationSeconds }: LockoutRules, nowMs: number): boolean {
  return count >= threshold && nowMs < lastMs + durationSeconds * MS;
}

export function isLocked(storage: ReadStorage, { accessor }: Pick<MountEntry, "accessor">, alias: string, rules: LockoutRules, nowMs: number): boolean {
  const failures = storage.get(ROOT + nameOf(accessor, alias), codec);
  return !rules.disabled && failures !== undefined && isLocking(failures, rules, nowMs);
}

/**
 * One more failure. False: it was locked already (by others of the same moment), so this one does not count, and must not be
 * told from a login with the right password.
 */
export function countFailure(storage: WriteStorage, { accessor }: Pick<MountEntry, "accessor">, alias: string, rules: LockoutRules, env: Environment): boolean {
  const name = nameOf(accessor, alias);
  const before = storage.get(ROOT + name, codec);
  const now = env.now();
  if (before && isLocking(before, rules, now)) return false;
  const isFresh = !before || now > before.lastMs + rules.counterResetSeconds * MS;
  const dueMs = now + Math.max(rules.durationSeconds, rules.counterResetSeconds) * MS;
  if (before) cancelExpiry(storage, before.dueMs, "lockout", name);
  storage.put(ROOT + name, codec, { alias, count: isFresh ? 1 : before.count + 1, lastMs: now, dueMs });
  scheduleExpiry(storage, dueMs, "lockout", name);
  return true;
}

/** Records that failures of unknown users share, a mount: as many names as anybody likes to make up, and no more than these. */
const NOBODIES = 64;

/**
 * A failure of somebody who does not exist: the write of `countFailure`, so that time does not tell who does. It locks nobody, and
 * no list shows it. Always true.
 */
export function countForNobody(storage: WriteStorage, { accessor }: Pick<MountEntry, "accessor">, alias: string, rules: LockoutRules, env: Environment): true {
  const place = Number.parseInt(hashedName(alias).slice(0, 8), 16) % NOBODIES;
  countFailure(storage, { accessor: `${accessor}-nobody` }, String(place), { ...rules, threshold: Number.POSITIVE_INFINITY }, env);
  return true;
}

/** After a login, by hand, and when it is of no more use. Nobody's failures are no error. */
export function forgetFailures(storage: WriteStorage, { accessor }: Pick<MountEntry, "accessor">, alias: string): void {
  remove(storage, nameOf(accessor, alias));
}

/** By the id of its entry in the expiry index; one that was counted on meanwhile has another entry there. */
export function expireFailures(storage: WriteStorage, name: string, nowMs: number): void {
  const failures = storage.get(ROOT + name, codec);
  if (failures && failures.dueMs <= nowMs) remove(storage, name);
}

function remove(storage: WriteStorage, name: string): void {
  const failures = storage.get(ROOT + name, codec);
  if (!failures) return;
  storage.delete(ROOT + name);
  cancelExpiry(storage, failures.dueMs, "lockout", name);
}

/** The aliases of a mount that are locked now. */
export async function lockedAliases(storage: ReadStorage, { accessor }: Pick<MountEntry, "accessor">, rules: LockoutRules, nowMs: number): Promise<string[]> {
  if (rules.disabled) return [];
  const names = await storage.list(`${ROOT}${accessor}/`);
  const all = names.map((name) => storage.get(`${ROOT}${accessor}/${name}`, codec)!);
  return all.filter((failures) => isLocking(failures, rules, nowMs)).map(({ alias }) => alias).sort();
}
