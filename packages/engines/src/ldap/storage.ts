import { jsonCodec } from "@coffer/state-machine";
import type { ReadStorage, WriteStorage } from "@coffer/state-machine";
import { completed, defaultConfig } from "./config.js";
import type { LdapConfig } from "./config.js";

/**
 * What is stored, below the mount: `config`, `user/<name>` and `group/<name>`. Names may hold anything and are percent-encoded
 * in keys; they are lower-cased unless the configuration tells them apart by case.
 */
export interface LocalUser {
  readonly groups: readonly string[];
  readonly policies: readonly string[];
}

export interface LocalGroup {
  readonly policies: readonly string[];
}

const configCodec = jsonCodec<LdapConfig>();
const userCodec = jsonCodec<LocalUser>();
const groupCodec = jsonCodec<LocalGroup>();

export function getConfig(storage: ReadStorage): LdapConfig {
  const stored = storage.get("config", configCodec);
  return stored ? completed(stored) : defaultConfig();
}

export function putConfig(storage: WriteStorage, config: LdapConfig): void {
  storage.put("config", configCodec, config);
}

export function foldedName(storage: ReadStorage, name: string): string {
  return getConfig(storage).settings.case_sensitive_names ? name : name.toLowerCase();
}

const keyOf = (kind: "user" | "group", storage: ReadStorage, name: string) => `${kind}/${encodeURIComponent(foldedName(storage, name))}`;

export const getUser = (storage: ReadStorage, name: string) => storage.get(keyOf("user", storage, name), userCodec);
export const putUser = (storage: WriteStorage, name: string, user: LocalUser) => storage.put(keyOf("user", storage, name), userCodec, user);
export const getGroup = (storage: ReadStorage, name: string) => storage.get(keyOf("group", storage, name), groupCodec);
export const putGroup = (storage: WriteStorage, name: string, group: LocalGroup) => storage.put(keyOf("group", storage, name), groupCodec, group);
export const remove = (storage: WriteStorage, kind: "user" | "group", name: string) => storage.delete(keyOf(kind, storage, name));

export async function listNames(storage: ReadStorage, kind: "user" | "group"): Promise<string[]> {
  return (await storage.list(`${kind}/`)).map((key) => decodeURIComponent(key)).sort();
}
