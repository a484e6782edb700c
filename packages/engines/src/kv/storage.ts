import { documentCodec, jsonCodec } from "@coffer/state-machine";
import type { ReadStorage, WriteStorage } from "@coffer/state-machine";
import { refuseWhileUpgrading } from "./unversioned.js";

/**
 * What version 2 stores below its mount:
 *
 *     config                     settings of the mount
 *     metadata/<path>            one secret: its settings and the list of its versions
 *     versions/<path>/<number>   the data of one version
 *
 * Reading the newest version takes two point reads, writing one takes two puts, and a list of names meets no data. A
 * version's key ends in its number, so it never is another secret's.
 */
export type Secret = Readonly<Record<string, unknown>>;

/** One version, as its secret's metadata tells of it. Times are RFC 3339; empty means none. */
export interface Version {
  readonly created_time: string;
  /** May lie ahead: then the version ends by itself. */
  readonly deletion_time: string;
  readonly destroyed: boolean;
}

/** Named as on the wire, where it goes almost as it stands. */
export interface Metadata {
  readonly cas_required: boolean;
  readonly created_time: string;
  /** 0: settings were written, but no version yet. */
  readonly current_version: number;
  readonly custom_metadata: Readonly<Record<string, string>> | null;
  /** Seconds; 0: the mount's. */
  readonly delete_version_after: number;
  /** 0: the mount's. */
  readonly max_versions: number;
  /** 0 until the limit of versions is reached for the first time. */
  readonly oldest_version: number;
  readonly updated_time: string;
  readonly versions: Readonly<Record<string, Version>>;
}

export interface KvConfig {
  readonly cas_required: boolean;
  /** Seconds; 0: never, unless a secret says so; `NEVER_DELETE`: never, whatever a secret says. */
  readonly delete_version_after: number;
  /** 0: DEFAULT_MAX_VERSIONS. */
  readonly max_versions: number;
}

export const NEVER_DELETE = -1;
export const DEFAULT_MAX_VERSIONS = 10;

const CONFIG = "config";
const METADATA = "metadata/";
const NO_CONFIG: KvConfig = Object.freeze({ cas_required: false, delete_version_after: 0, max_versions: 0 });
const configCodec = jsonCodec<KvConfig>();
const metadataCodec = jsonCodec<Metadata>();
const secretCodec = documentCodec<Secret>();
const metadataKey = (path: string) => METADATA + path;
const versionKey = (path: string, number: number) => `versions/${path}/${number}`;

export function getConfig(storage: ReadStorage): KvConfig {
  return storage.get(CONFIG, configCodec) ?? NO_CONFIG;
}

export function putConfig(storage: WriteStorage, config: KvConfig): void {
  storage.put(CONFIG, configCodec, config);
}

/** Undefined for a secret that does not exist. Throws RequestError 400 where that is not known yet (see `upgrade.ts`). */
export function getMetadata(storage: ReadStorage, path: string): Metadata | undefined {
  const found = storage.get(metadataKey(path), metadataCodec);
  if (!found) refuseWhileUpgrading(storage);
  return found;
}

export function putMetadata(storage: WriteStorage, path: string, metadata: Metadata): void {
  storage.put(metadataKey(path), metadataCodec, metadata);
}

/** The folder that lists secrets' names below `path`; empty means the mount. Throws as `getMetadata` does. */
export function namesFolder(storage: ReadStorage, path: string): string {
  refuseWhileUpgrading(storage);
  return path === "" ? METADATA : `${METADATA}${path}/`;
}

export function getSecret(storage: ReadStorage, path: string, number: number): Secret | undefined {
  return storage.get(versionKey(path, number), secretCodec);
}

export function putSecret(storage: WriteStorage, path: string, number: number, secret: Secret): void {
  storage.put(versionKey(path, number), secretCodec, secret);
}

export function deleteSecret(storage: WriteStorage, path: string, number: number): void {
  storage.delete(versionKey(path, number));
}

export function deleteMetadata(storage: WriteStorage, path: string): void {
  storage.delete(metadataKey(path));
}
