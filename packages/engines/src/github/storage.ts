import { jsonCodec } from "@coffer/state-machine";
import type { ReadStorage, RoleTokens, WriteStorage } from "@coffer/state-machine";

/**
 * What github stores below its mount:
 *
 *     config            the organization whose members may log in
 *     map/teams/<key>   policies of a team, by its name or slug in lower case
 *     map/users/<key>   policies of a user, by the login in lower case
 */
export interface GithubConfig {
  readonly organization: string;
  readonly organization_id: number;
  /** Of a GitHub Enterprise server's API; empty: github.com's. */
  readonly base_url: string;
  readonly tokens: RoleTokens;
}

export type MapName = "teams" | "users";

interface Mapping {
  /** As it was written; the key is in lower case. */
  readonly key: string;
  readonly value: string;
}

const configCodec = jsonCodec<GithubConfig>();
const mappingCodec = jsonCodec<Mapping>();

export function getConfig(storage: ReadStorage): GithubConfig | undefined {
  return storage.get("config", configCodec);
}

export function putConfig(storage: WriteStorage, config: GithubConfig): void {
  storage.put("config", configCodec, config);
}

export const mapFolder = (map: MapName): string => `map/${map}/`;
const keyOf = (map: MapName, key: string): string => mapFolder(map) + key.toLowerCase();

export function getMapping(storage: ReadStorage, map: MapName, key: string): Mapping | undefined {
  return storage.get(keyOf(map, key), mappingCodec);
}

export function putMapping(storage: WriteStorage, map: MapName, mapping: Mapping): void {
  storage.put(keyOf(map, mapping.key), mappingCodec, mapping);
}

export function deleteMapping(storage: WriteStorage, map: MapName, key: string): void {
  storage.delete(keyOf(map, key));
}

/** Those of everybody. */
const DEFAULT_KEY = "default";
/** Of a key that storage could take: GitHub's names have no slashes. */
const STORABLE = /^[^/]+$/;

/** The policies of these teams or this user, sorted, each once. */
export function policiesOf(storage: ReadStorage, map: MapName, names: readonly string[]): readonly string[] {
  const values = [DEFAULT_KEY, ...names].filter((name) => STORABLE.test(name)).map((name) => getMapping(storage, map, name)?.value ?? "");
  return [...new Set(values.flatMap((value) => value.split(",")).map((name) => name.trim()).filter((name) => name !== ""))].sort();
}
