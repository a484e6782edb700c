import { invalid, jsonCodec } from "@coffer/state-machine";
import type { ReadStorage, WriteStorage } from "@coffer/state-machine";

/**
 * What the database engine stores below its mount:
 *
 *     config/<name>            a database, and how it is reached
 *     role/<name>              a role whose users are made when they are asked for
 *     static-role/<name>       a role with one user, whose password is changed from time to time
 *     due/<time>/<name>        when a static role is next to be rotated: milliseconds in 16 digits, so that they sort
 */
export interface DatabaseConfig {
  readonly plugin_name: string;
  readonly plugin_version: string;
  /** As they were given; which there are is the plugin's. The password is never shown. */
  readonly connection_details: Details;
  readonly allowed_roles: readonly string[];
  readonly root_credentials_rotate_statements: readonly string[];
  readonly password_policy: string;
  readonly verify_connection: boolean;
  /** Raised to make every node connect anew. */
  readonly revision: number;
}

export type Details = Readonly<Record<string, unknown>>;

export interface Role {
  readonly db_name: string;
  readonly creation_statements: readonly string[];
  readonly revocation_statements: readonly string[];
  readonly rollback_statements: readonly string[];
  readonly renew_statements: readonly string[];
  /** Seconds; 0: the mount's. */
  readonly default_ttl: number;
  readonly max_ttl: number;
  readonly password_policy: string;
}

export interface StaticRole {
  readonly db_name: string;
  readonly username: string;
  readonly rotation_statements: readonly string[];
  /** Seconds; 0 with a schedule. */
  readonly rotation_period: number;
  /** Five fields of cron, UTC; empty with a period. */
  readonly rotation_schedule: string;
  /** Seconds after a scheduled time in which it may still be rotated; 0: any time. */
  readonly rotation_window: number;
  readonly password_policy: string;
  readonly password: string;
  readonly lastRotationMs: number;
  /** When its time comes by period or schedule. */
  readonly scheduledMs: number;
  /** When it is tried next: later, if that failed. */
  readonly dueMs: number;
  /** Rotations that failed since one did not, and why the last one did. */
  readonly failures: number;
  readonly failure: string;
  /** Raised by whoever touches the user's password, so that two of them conflict. */
  readonly revision: number;
}

export const CONFIG_FOLDER = "config/";
export const ROLE_FOLDER = "role/";
export const STATIC_ROLE_FOLDER = "static-role/";
export const DUE_FOLDER = "due/";

const configCodec = jsonCodec<DatabaseConfig>();
const roleCodec = jsonCodec<Role>();
const staticRoleCodec = jsonCodec<StaticRole>();
const emptyCodec = jsonCodec<Record<string, never>>();

export const getConfig = (storage: ReadStorage, name: string) => storage.get(CONFIG_FOLDER + name, configCodec);
export const putConfig = (storage: WriteStorage, name: string, config: DatabaseConfig) => storage.put(CONFIG_FOLDER + name, configCodec, config);
export const deleteConfig = (storage: WriteStorage, name: string) => storage.delete(CONFIG_FOLDER + name);

/** Throws RequestError 400 where there is none. */
export function needConfig(storage: ReadStorage, name: string): DatabaseConfig {
  const config = getConfig(storage, name);
  if (!config) throw invalid(`failed to find entry for connection with name: ${JSON.stringify(name)}`);
  return config;
}

export const getRole = (storage: ReadStorage, name: string) => storage.get(ROLE_FOLDER + name, roleCodec);
export const putRole = (storage: WriteStorage, name: string, role: Role) => storage.put(ROLE_FOLDER + name, roleCodec, role);
export const deleteRole = (storage: WriteStorage, name: string) => storage.delete(ROLE_FOLDER + name);

export const getStaticRole = (storage: ReadStorage, name: string) => storage.get(STATIC_ROLE_FOLDER + name, staticRoleCodec);

const DUE_DIGITS = 16;
const dueKey = (name: string, dueMs: number) => `${DUE_FOLDER}${String(dueMs).padStart(DUE_DIGITS, "0")}/${name}`;

/** Keeps the index of due times. */
export function putStaticRole(storage: WriteStorage, name: string, role: StaticRole): void {
  const before = getStaticRole(storage, name);
  if (before && before.dueMs !== role.dueMs) storage.delete(dueKey(name, before.dueMs));
  storage.put(STATIC_ROLE_FOLDER + name, staticRoleCodec, { ...role, revision: (before?.revision ?? 0) + 1 });
  storage.put(dueKey(name, role.dueMs), emptyCodec, {});
}

export function deleteStaticRole(storage: WriteStorage, name: string): void {
  const role = getStaticRole(storage, name);
  if (!role) return;
  storage.delete(dueKey(name, role.dueMs));
  storage.delete(STATIC_ROLE_FOLDER + name);
}

/** Static roles whose time has come, the longest waiting first. */
export async function dueStaticRoles(storage: ReadStorage, nowMs: number, limit: number): Promise<readonly string[]> {
  const keys = await storage.keys(DUE_FOLDER, { limit });
  return keys.filter((key) => Number(key.slice(0, DUE_DIGITS)) <= nowMs).map((key) => key.slice(DUE_DIGITS + 1));
}
