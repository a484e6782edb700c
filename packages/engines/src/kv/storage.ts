import { documentCodec, jsonCodec } from "@coffer/state-machine";
import type { Environment, ReadStorage, WriteStorage } from "@coffer/state-machine";

/** What one version's metadata says. Times are RFC 3339; empty means none. */
export interface Version {
  readonly created_time: string;
  readonly deletion_time: string;
  readonly destroyed: boolean;
}

/** A secret's metadata: a read of the newest version takes this and one data entry. */
export interface Metadata {
  readonly cas_required: boolean;
  readonly created_time: string;
  readonly current_version: number;
  readonly custom_metadata: Readonly<Record<string, string>> | null;
  /** Seconds; 0: the mount's. */
  readonly delete_version_after: number;
  /** 0: the mount's. */
  readonly max_versions: number;
  readonly oldest_version: number;
  readonly updated_time: string;
  readonly versions: Readonly<Record<string, Version>>;
}

export interface KvConfig {
  readonly cas_required: boolean;
  readonly delete_version_after: number;
  readonly max_versions: number;
}

export type Secret = Readonly<Record<string, unknown>>;

export const DEFAULT_MAX_VERSIONS = 10;
/** Go's zero duration and the marker for "never" that Vault takes as a negative one. */
export const NEVER = -1;

const CONFIG = "config";
const NO_CONFIG: KvConfig = Object.freeze({ cas_required: false, delete_version_after: 0, max_versions: 0 });
const configCodec = jsonCodec<KvConfig>();
const metadataCodec = jsonCodec<Metadata>();
const secretCodec = documentCodec<Secret>();
const metadataKey = (path: string) => `metadata/${path}`;
/** Below the path no further segment can follow: a version's key never meets another secret's. */
const versionKey = (path: string, version: number) => `versions/${path}/${version}`;

export const METADATA_FOLDER = "metadata/";

export function getConfig(storage: ReadStorage): KvConfig {
  return storage.get(CONFIG, configCodec) ?? NO_CONFIG;
}

export function putConfig(storage: WriteStorage, config: KvConfig): void {
  storage.put(CONFIG, configCodec, config);
}

export function getMetadata(storage: ReadStorage, path: string): Metadata | undefined {
  return storage.get(metadataKey(path), metadataCodec);
}

export function putMetadata(storage: WriteStorage, path: string, metadata: Metadata): void {
  storage.put(metadataKey(path), metadataCodec, metadata);
}

export function getSecret(storage: ReadStorage, path: string, version: number): Secret | undefined {
  return storage.get(versionKey(path, version), secretCodec);
}

export const now = (env: Environment) => new Date(env.now()).toISOString();

export function newMetadata(time: string): Metadata {
  return { cas_required: false, created_time: time, current_version: 0, custom_metadata: null, delete_version_after: 0, max_versions: 0, oldest_version: 0, updated_time: time, versions: {} };
}

/** A version that cannot be read any more, by deletion (which may lie ahead, or be undone) or destruction. */
export function isGone(version: Version, env: Environment): boolean {
  return version.destroyed || (version.deletion_time !== "" && Date.parse(version.deletion_time) <= env.now());
}

function deletionTime(metadata: Metadata, config: KvConfig, env: Environment): string {
  const own = metadata.delete_version_after;
  const seconds = config.delete_version_after <= 0 ? own : own === 0 ? config.delete_version_after : own < 0 ? NEVER : Math.min(own, config.delete_version_after);
  return seconds > 0 ? new Date(env.now() + seconds * 1000).toISOString() : "";
}

/** Adds a version and drops those beyond the limit. Two puts in the usual case. */
export function addVersion(storage: WriteStorage, path: string, secret: Secret, before: Metadata | undefined, env: Environment): { readonly metadata: Metadata; readonly version: number } {
  const config = getConfig(storage);
  const time = now(env);
  const base = before ?? newMetadata(time);
  const version = base.current_version + 1;
  storage.put(versionKey(path, version), secretCodec, secret);
  const versions: Record<string, Version> = { ...base.versions, [version]: { created_time: time, deletion_time: deletionTime(base, config, env), destroyed: false } };
  const limit = base.max_versions > 0 ? base.max_versions : config.max_versions > 0 ? config.max_versions : DEFAULT_MAX_VERSIONS;
  let oldest = base.oldest_version;
  for (const number of Object.keys(versions).map(Number).sort((a, b) => a - b)) {
    if (number > version - limit) {
      oldest = number;
      break;
    }
    delete versions[number];
    storage.delete(versionKey(path, number));
  }
  // Vault shows 0 as long as nothing was dropped.
  const metadata: Metadata = { ...base, current_version: version, oldest_version: oldest === 1 ? 0 : oldest, updated_time: time, versions };
  putMetadata(storage, path, metadata);
  return { metadata, version };
}

export function destroyVersions(storage: WriteStorage, path: string, metadata: Metadata, numbers: readonly number[]): void {
  const versions = { ...metadata.versions };
  for (const number of numbers) {
    const version = versions[number];
    if (!version) continue;
    versions[number] = { ...version, destroyed: true };
    storage.delete(versionKey(path, number));
  }
  putMetadata(storage, path, { ...metadata, versions });
}

export function setDeletionTime(storage: WriteStorage, path: string, metadata: Metadata, numbers: readonly number[], time: string): void {
  const versions = { ...metadata.versions };
  for (const number of numbers) {
    const version = versions[number];
    if (version && !version.destroyed) versions[number] = { ...version, deletion_time: time };
  }
  putMetadata(storage, path, { ...metadata, versions });
}

export function removeSecret(storage: WriteStorage, path: string, metadata: Metadata): void {
  for (const number of Object.keys(metadata.versions)) storage.delete(versionKey(path, Number(number)));
  storage.delete(metadataKey(path));
}
