import { jsonCodec } from "@coffer/state-machine";
import type { ReadStorage, WriteStorage } from "@coffer/state-machine";
import type { KeyTypeName } from "./key-types.js";

/**
 * What transit stores below its mount:
 *
 *     key/<name>                        settings of a key, and which versions it has
 *     version/<name>/<number>           the key material of one version
 *     rotation/<14 digits of ms>/<name> which keys rotate by themselves, in the order in which they are due
 *     wrapping-key                      the RSA key that imported keys come wrapped for
 *     config/keys, config/cache         settings of the mount
 *
 * Encrypting reads two keys, however many versions there are; rotating writes three.
 */
export interface Key {
  readonly name: string;
  readonly type: KeyTypeName;
  /** Bytes; of type hmac only, else 0. */
  readonly key_size: number;
  readonly derived: boolean;
  /** How keys are derived: hkdf, unless it is one of the oldest keys of a Vault, restored here. */
  readonly kdf: "hkdf_sha256" | "hmac-sha256-counter";
  readonly convergent_encryption: boolean;
  /** -1: as each version says. */
  readonly convergent_version: number;
  readonly exportable: boolean;
  readonly allow_plaintext_backup: boolean;
  readonly deletion_allowed: boolean;
  readonly imported: boolean;
  readonly imported_allow_rotation: boolean;
  readonly soft_deleted: boolean;
  readonly latest_version: number;
  /** Versions below it are gone; 0 until a key is trimmed. */
  readonly min_available_version: number;
  readonly min_decryption_version: number;
  /** 0: the latest, unless asked otherwise. */
  readonly min_encryption_version: number;
  /** Seconds; 0: never. */
  readonly auto_rotate_period: number;
  /** When the latest version was made. Milliseconds since 1970. */
  readonly latest_created_ms: number;
  /** When it rotates by itself; 0: never. Milliseconds since 1970. */
  readonly rotates_at_ms: number;
  readonly backup_info: Occasion | null;
  readonly restore_info: Occasion | null;
}

/** RFC 3339, and the version that was the latest then. */
export interface Occasion {
  readonly time: string;
  readonly version: number;
}

/** Key material; everything in base64. */
export interface KeyVersion {
  /** RFC 3339. */
  readonly created: string;
  /** Raw for ciphers and hmac; seed and public key (64 bytes) for ed25519; PKCS #8 for RSA and EC. Empty: only the public half was imported. */
  readonly secret: string;
  /** SubjectPublicKeyInfo; empty for symmetric keys. */
  readonly public: string;
  /** Raw, 32 bytes or more. */
  readonly hmac: string;
  /** Of convergent keys: how the nonce is made; else 0. */
  readonly convergent_version: number;
  /** DER, the leaf first. */
  readonly certificate_chain: readonly string[];
}

const keyCodec = jsonCodec<Key>();
const versionCodec = jsonCodec<KeyVersion>();
const dueCodec = jsonCodec<Record<string, never>>();
const keysConfigCodec = jsonCodec<KeysConfig>();
const cacheConfigCodec = jsonCodec<{ readonly size: number }>();

const WRAPPING_KEY = "wrapping-key";
const MS = 1000;
/** Enough for the longest period there is (292 years) from any day that a key may have been made on. */
const DIGITS_OF_MS = 14;
const dueKey = (dueMs: number, name: string) => `rotation/${String(dueMs).padStart(DIGITS_OF_MS, "0")}/${name}`;

export const KEY_FOLDER = "key/";

export function getKey(storage: ReadStorage, name: string): Key | undefined {
  return storage.get(KEY_FOLDER + name, keyCodec);
}

/** `before`: what was stored until now. Keeps the order of rotations right. */
export function putKey(storage: WriteStorage, changed: Key, before: Key | undefined): Key {
  const rotates = changed.auto_rotate_period > 0 && !changed.soft_deleted && (!changed.imported || changed.imported_allow_rotation);
  const key: Key = { ...changed, rotates_at_ms: rotates ? changed.latest_created_ms + changed.auto_rotate_period * MS : 0 };
  if (before && before.rotates_at_ms > 0 && before.rotates_at_ms !== key.rotates_at_ms) storage.delete(dueKey(before.rotates_at_ms, key.name));
  if (key.rotates_at_ms > 0) storage.put(dueKey(key.rotates_at_ms, key.name), dueCodec, {});
  storage.put(KEY_FOLDER + key.name, keyCodec, key);
  return key;
}

export function deleteKey(storage: WriteStorage, key: Key): void {
  if (key.rotates_at_ms > 0) storage.delete(dueKey(key.rotates_at_ms, key.name));
  for (let number = firstVersion(key); number <= key.latest_version; number++) deleteVersion(storage, key.name, number);
  storage.delete(KEY_FOLDER + key.name);
}

/** The oldest version that is still there. */
export const firstVersion = (key: Key): number => Math.max(1, key.min_available_version);

export function getVersion(storage: ReadStorage, name: string, number: number): KeyVersion | undefined {
  return storage.get(`version/${name}/${number}`, versionCodec);
}

export function putVersion(storage: WriteStorage, name: string, number: number, version: KeyVersion): void {
  storage.put(`version/${name}/${number}`, versionCodec, version);
}

export function deleteVersion(storage: WriteStorage, name: string, number: number): void {
  storage.delete(`version/${name}/${number}`);
}

/** The key that rotates next by itself. */
export async function nextRotation(storage: ReadStorage): Promise<{ readonly name: string; readonly dueMs: number } | undefined> {
  const [first] = await storage.keys("rotation/", { limit: 1 });
  return first === undefined ? undefined : { dueMs: Number(first.slice(0, DIGITS_OF_MS)), name: first.slice(DIGITS_OF_MS + 1) };
}

export function forgetRotation(storage: WriteStorage, { name, dueMs }: { readonly name: string; readonly dueMs: number }): void {
  storage.delete(dueKey(dueMs, name));
}

export function getWrappingKey(storage: ReadStorage): KeyVersion | undefined {
  return storage.get(WRAPPING_KEY, versionCodec);
}

export function putWrappingKey(storage: WriteStorage, version: KeyVersion): void {
  storage.put(WRAPPING_KEY, versionCodec, version);
}

export interface KeysConfig {
  /** Encrypting makes no keys. */
  readonly disable_upsert: boolean;
}

export function getKeysConfig(storage: ReadStorage): KeysConfig {
  return storage.get("config/keys", keysConfigCodec) ?? { disable_upsert: false };
}

export function putKeysConfig(storage: WriteStorage, config: KeysConfig): void {
  storage.put("config/keys", keysConfigCodec, config);
}

export function getCacheSize(storage: ReadStorage): number {
  return storage.get("config/cache", cacheConfigCodec)?.size ?? 0;
}

export function putCacheSize(storage: WriteStorage, size: number): void {
  storage.put("config/cache", cacheConfigCodec, { size });
}
