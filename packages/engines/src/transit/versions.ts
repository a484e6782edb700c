import { invalid } from "@coffer/state-machine";
import type { Environment, ReadStorage, WriteStorage } from "@coffer/state-machine";
import type { KeyTypeName } from "./key-types.js";
import { capabilitiesOf } from "./key-types.js";
import { newVersion } from "./generate.js";
import { forgetRotation, getKey, getVersion, nextRotation, putKey, putVersion } from "./storage.js";
import type { Key, KeyVersion } from "./storage.js";

/** What a key is made with. Seconds, bytes. */
export interface KeySettings {
  readonly type: KeyTypeName;
  readonly key_size: number;
  readonly derived: boolean;
  readonly convergent_encryption: boolean;
  readonly exportable: boolean;
  readonly allow_plaintext_backup: boolean;
  readonly auto_rotate_period: number;
}

export const MIN_ROTATE_SECONDS = 3600;

/** Throws RequestError 400 for what no key can be. */
export function checkSettings({ type, derived, convergent_encryption: converges, auto_rotate_period: period }: KeySettings): void {
  checkRotatePeriod(period);
  if (converges && !derived) throw invalid("convergent encryption requires derivation to be enabled");
  const can = capabilitiesOf(type);
  if (derived && !can.derivation) throw invalid(`key derivation and convergent encryption not supported for keys of type ${type}`);
  if (converges && !can.convergence) throw invalid(`convergent encryption not supported for keys of type ${type}`);
}

/** Throws RequestError 400. */
export function checkRotatePeriod(seconds: number): void {
  if (seconds !== 0 && seconds < MIN_ROTATE_SECONDS) throw invalid("auto rotate period must be 0 to disable or at least an hour");
}

/** Throws RequestError 400. */
export function refuseSoftDeleted({ soft_deleted: isDeleted }: Key): void {
  if (isDeleted) throw invalid("refusing to use soft-deleted key");
}

/** A key with its first version. */
export function createKey(storage: WriteStorage, name: string, settings: KeySettings, version: KeyVersion, imported?: { readonly allowRotation: boolean }): Key {
  const key: Key = {
    ...settings,
    name,
    kdf: "hkdf_sha256",
    convergent_version: settings.convergent_encryption ? -1 : 0,
    deletion_allowed: false,
    imported: imported !== undefined,
    imported_allow_rotation: imported?.allowRotation ?? false,
    soft_deleted: false,
    latest_version: 1,
    min_available_version: 0,
    min_decryption_version: 1,
    min_encryption_version: 0,
    latest_created_ms: Date.parse(version.created),
    rotates_at_ms: 0,
    backup_info: null,
    restore_info: null,
  };
  putVersion(storage, name, 1, version);
  return putKey(storage, key, undefined);
}

/** One more version, which is the latest from now on. */
export function addVersion(storage: WriteStorage, key: Key, version: KeyVersion, changes: Partial<Key> = {}): Key {
  const number = key.latest_version + 1;
  putVersion(storage, key.name, number, version);
  return putKey(storage, { ...key, ...changes, latest_version: number, latest_created_ms: Date.parse(version.created) }, key);
}

/** Throws RequestError 400 for keys that must not rotate. */
export async function rotateKey(storage: WriteStorage, key: Key, env: Environment): Promise<Key> {
  refuseSoftDeleted(key);
  if (key.imported && !key.imported_allow_rotation) throw invalid(`imported key ${key.name} does not allow rotation within Vault`);
  return addVersion(storage, key, await newVersion(key, env), { imported: false });
}

/** Rotates the key whose `auto_rotate_period` ended first, if any has ended. True: there was one, and there may be more. */
export async function rotateDue(storage: WriteStorage, env: Environment): Promise<boolean> {
  const due = await nextRotation(storage);
  if (!due || due.dueMs > env.now()) return false;
  const key = getKey(storage, due.name);
  if (key?.rotates_at_ms === due.dueMs) await rotateKey(storage, key, env);
  else forgetRotation(storage, due);
  return true;
}

/** Throws RequestError 400 for a version that is not there. */
export function requireVersion(storage: ReadStorage, key: Key, number: number): KeyVersion {
  const found = getVersion(storage, key.name, number);
  if (!found) throw invalid("no such key version");
  return found;
}

/** The version to make something with: the latest for 0. `what`: "encryption". Throws RequestError 400. */
export function versionToUse(key: Key, asked: number, what: string): number {
  if (asked === 0) return key.latest_version;
  if (asked < 0) throw invalid(`requested version for ${what} is negative`);
  if (asked > key.latest_version) throw invalid(`requested version for ${what} is higher than the latest key version`);
  if (asked < key.min_encryption_version || asked < key.min_decryption_version) throw invalid(`requested version for ${what} is less than the minimum encryption key version`);
  return asked;
}

/** A version that something claims to be made with. `what`: "ciphertext". Throws RequestError 400 unless it may still be used. */
export function versionToCheck(key: Key, claimed: number, what: string): number {
  if (claimed > key.latest_version) throw invalid(`invalid ${what}: version is too new`);
  if (claimed < key.min_decryption_version) throw invalid("ciphertext or signature version is disallowed by policy (too old)");
  return claimed;
}

/** The versions that may be read, oldest first. */
export function liveVersions(storage: ReadStorage, key: Key): [number, KeyVersion][] {
  const live: [number, KeyVersion][] = [];
  for (let number = key.min_decryption_version; number <= key.latest_version; number++) live.push([number, requireVersion(storage, key, number)]);
  return live;
}
