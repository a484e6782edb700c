import type { Environment, WriteStorage } from "@coffer/state-machine";
import { DEFAULT_MAX_VERSIONS, deleteMetadata, deleteSecret, getConfig, NEVER_DELETE, putMetadata, putSecret } from "./storage.js";
import type { KvConfig, Metadata, Secret, Version } from "./storage.js";

/** The rules of versions: when they come, end, return and go for good. */
const MS = 1000;

export const timeNow = (env: Environment) => new Date(env.now()).toISOString();

export function newMetadata(time: string): Metadata {
  return { cas_required: false, created_time: time, current_version: 0, custom_metadata: null, delete_version_after: 0, max_versions: 0, oldest_version: 0, updated_time: time, versions: {} };
}

/** Whether a version cannot be read any more: deleted (which can be undone) or destroyed. */
export function isGone(version: Version, env: Environment): boolean {
  return version.destroyed || (version.deletion_time !== "" && Date.parse(version.deletion_time) <= env.now());
}

/** When a version that comes (back) now ends by itself: the sooner of what the mount and the secret say. Empty: never. */
function deletionTime(metadata: Metadata, config: KvConfig, env: Environment): string {
  if (config.delete_version_after === NEVER_DELETE) return "";
  const limits = [metadata.delete_version_after, config.delete_version_after].filter((seconds) => seconds > 0);
  return limits.length === 0 ? "" : new Date(env.now() + Math.min(...limits) * MS).toISOString();
}

export interface Added {
  readonly metadata: Metadata;
  readonly number: number;
  readonly version: Version;
}

/** Makes `secret` the newest version, and drops those beyond the limit. */
export function addVersion(storage: WriteStorage, path: string, secret: Secret, before: Metadata | undefined, env: Environment): Added {
  const config = getConfig(storage);
  const time = timeNow(env);
  const base = before ?? newMetadata(time);
  const number = base.current_version + 1;
  const version: Version = { created_time: time, deletion_time: deletionTime(base, config, env), destroyed: false };
  const versions: Record<string, Version> = { ...base.versions, [number]: version };
  // The larger of the two limits counts, as in Vault.
  const limit = Math.max(base.max_versions, config.max_versions) || DEFAULT_MAX_VERSIONS;
  const oldest = number - base.oldest_version >= limit ? number - limit + 1 : base.oldest_version;
  for (const known of Object.keys(base.versions).map(Number)) {
    if (known >= oldest) continue;
    delete versions[known];
    deleteSecret(storage, path, known);
  }
  const metadata: Metadata = { ...base, current_version: number, oldest_version: oldest, updated_time: time, versions };
  putSecret(storage, path, number, secret);
  putMetadata(storage, path, metadata);
  return { metadata, number, version };
}

/** Changes those of the numbered versions that exist and are not destroyed; `change` gives undefined for no change. */
function changeVersions(storage: WriteStorage, path: string, metadata: Metadata, numbers: readonly number[], change: (version: Version, number: number) => Version | undefined): void {
  const changed = numbers.flatMap((number) => {
    const version = metadata.versions[number];
    const next = version && !version.destroyed ? change(version, number) : undefined;
    return next ? [[String(number), next] as const] : [];
  });
  if (changed.length > 0) putMetadata(storage, path, { ...metadata, versions: { ...metadata.versions, ...Object.fromEntries(changed) } });
}

/** Soft: the data stays, and can be brought back. */
export function deleteVersions(storage: WriteStorage, path: string, metadata: Metadata, numbers: readonly number[], env: Environment): void {
  changeVersions(storage, path, metadata, numbers, (version) => (isGone(version, env) ? undefined : { ...version, deletion_time: timeNow(env) }));
}

export function undeleteVersions(storage: WriteStorage, path: string, metadata: Metadata, numbers: readonly number[], env: Environment): void {
  const time = deletionTime(metadata, getConfig(storage), env);
  changeVersions(storage, path, metadata, numbers, (version) => ({ ...version, deletion_time: time }));
}

/** For good: the data goes, the entry in the metadata stays. */
export function destroyVersions(storage: WriteStorage, path: string, metadata: Metadata, numbers: readonly number[]): void {
  changeVersions(storage, path, metadata, numbers, (version, number) => {
    deleteSecret(storage, path, number);
    return { ...version, destroyed: true };
  });
}

/** The secret with all of its versions. */
export function removeSecret(storage: WriteStorage, path: string, metadata: Metadata): void {
  for (const number of Object.keys(metadata.versions)) deleteSecret(storage, path, Number(number));
  deleteMetadata(storage, path);
}
