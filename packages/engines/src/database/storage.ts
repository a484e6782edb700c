import { invalid, jsonCodec } from "@coffer/state-machine";
import type { ReadStorage, WriteStorage } from "@coffer/state-machine";
import type { AutomatedRotation } from "../rotation/automated.js";
import type { Rhythm } from "../rotation/rhythm.js";
import type { Turn } from "../rotation/turn.js";
import { flag } from "./details.js";

/**
 * What the database engine stores below its mount:
 *
 *     config/<name>            a database, and how it is reached
 *     role/<name>              a role whose users are made when they are asked for
 *     static-role/<name>       a role with one user, whose password is changed from time to time
 *     due/<time>/<name>        when a static role is next to be rotated: milliseconds in 16 digits, so that they sort
 *     root-due/<time>/<name>   when the password of a connection's own user is
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
  /** Whether new static roles leave the password as it is, unless they say themselves; absent in what an older version stored. */
  readonly skip_static_role_import_rotation?: boolean;
  /** Rotation of the password of its own user by itself; absent in what an older version stored. */
  readonly rotation?: AutomatedRotation;
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

export interface StaticRole extends Rhythm, Turn {
  readonly db_name: string;
  readonly username: string;
  readonly rotation_statements: readonly string[];
  readonly password_policy: string;
  readonly password: string;
  /** Whether it came with its password, which was left as it is; absent in what an older version stored. */
  readonly skip_import_rotation?: boolean;
  /** 0: not by us yet. */
  readonly lastRotationMs: number;
  /** Raised by whoever touches the user's password, so that two of them conflict. */
  readonly revision: number;
}

export const CONFIG_FOLDER = "config/";
export const ROLE_FOLDER = "role/";
export const STATIC_ROLE_FOLDER = "static-role/";
const DUE_FOLDER = "due/";
const ROOT_DUE_FOLDER = "root-due/";

const configCodec = jsonCodec<DatabaseConfig>();
const roleCodec = jsonCodec<Role>();
const staticRoleCodec = jsonCodec<StaticRole>();
const emptyCodec = jsonCodec<Record<string, never>>();

export const getConfig = (storage: ReadStorage, name: string) => storage.get(CONFIG_FOLDER + name, configCodec);

/** Keeps the index of due times. */
export function putConfig(storage: WriteStorage, name: string, config: DatabaseConfig): void {
  const before = getConfig(storage, name)?.rotation?.turn?.dueMs;
  const dueMs = config.rotation?.turn?.dueMs;
  if (before !== undefined && before !== dueMs) storage.delete(dueKey(ROOT_DUE_FOLDER, name, before));
  if (dueMs !== undefined) storage.put(dueKey(ROOT_DUE_FOLDER, name, dueMs), emptyCodec, {});
  storage.put(CONFIG_FOLDER + name, configCodec, config);
}

export function deleteConfig(storage: WriteStorage, name: string): void {
  const dueMs = getConfig(storage, name)?.rotation?.turn?.dueMs;
  if (dueMs !== undefined) storage.delete(dueKey(ROOT_DUE_FOLDER, name, dueMs));
  storage.delete(CONFIG_FOLDER + name);
}

/** Whether the users of static roles log in themselves. */
export const isSelfManaged = ({ connection_details }: DatabaseConfig): boolean => flag(connection_details, "self_managed");

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
const dueKey = (folder: string, name: string, dueMs: number) => `${folder}${String(dueMs).padStart(DUE_DIGITS, "0")}/${name}`;

/** Keeps the index of due times. */
export function putStaticRole(storage: WriteStorage, name: string, role: StaticRole): void {
  const before = getStaticRole(storage, name);
  if (before && before.dueMs !== role.dueMs) storage.delete(dueKey(DUE_FOLDER, name, before.dueMs));
  storage.put(STATIC_ROLE_FOLDER + name, staticRoleCodec, { ...role, revision: (before?.revision ?? 0) + 1 });
  storage.put(dueKey(DUE_FOLDER, name, role.dueMs), emptyCodec, {});
}

export function deleteStaticRole(storage: WriteStorage, name: string): void {
  const role = getStaticRole(storage, name);
  if (!role) return;
  storage.delete(dueKey(DUE_FOLDER, name, role.dueMs));
  storage.delete(STATIC_ROLE_FOLDER + name);
}

/** Names whose time has come, the longest waiting first. */
async function due(storage: ReadStorage, folder: string, nowMs: number, limit: number): Promise<readonly string[]> {
  const keys = await storage.keys(folder, { limit });
  return keys.filter((key) => Number(key.slice(0, DUE_DIGITS)) <= nowMs).map((key) => key.slice(DUE_DIGITS + 1));
}

export const dueStaticRoles = (storage: ReadStorage, nowMs: number, limit: number) => due(storage, DUE_FOLDER, nowMs, limit);
export const dueConfigs = (storage: ReadStorage, nowMs: number, limit: number) => due(storage, ROOT_DUE_FOLDER, nowMs, limit);
