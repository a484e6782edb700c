import { createPrivateKey, createPublicKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { invalid, isPlainObject, parseDocument, RequestError } from "@coffer/state-machine";
import { ecKey, rsaPrivateKey, rsaPublicKey } from "./backup-numbers.js";
import { decodeBase64 } from "./base64.js";
import { privateMaterial, publicMaterial } from "./generate.js";
import type { Material } from "./generate.js";
import { capabilitiesOf, HMAC_KEY_BYTES, typeOf, typeWithCode } from "./key-types.js";
import type { KeyTypeName } from "./key-types.js";
import { ed25519FromSeed } from "./material.js";
import type { Key, KeyVersion, Occasion } from "./storage.js";
import { checkRotatePeriod } from "./versions.js";

/** What a backup holds. `versions`: from `first` to the latest. */
export interface Restored {
  readonly key: Key;
  readonly first: number;
  readonly versions: readonly KeyVersion[];
}

type Document = Readonly<Record<string, unknown>>;

const NANOSECONDS = 1_000_000_000;
const MS = 1000;
/** In the year 2286. */
const LATEST_MS = 1e13;
/** Seconds; Go has no longer durations. */
const MOST_SECONDS = 9_223_372_036;
const MOST_VERSIONS = 1_000_000;
const ED25519_BYTES = 64;
const ED25519_SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

const broken = (what: string) => invalid(`the backup is not one of a transit key: ${what}`);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const flag = (value: unknown): boolean => value === true;

function bytes(value: unknown, what: string): Buffer {
  try {
    return decodeBase64(text(value));
  } catch {
    throw broken(`${what} is not base64`);
  }
}

function count(value: unknown, what: string, least = 0): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= MOST_VERSIONS) return value;
  throw broken(`${what} is not a number of a version`);
}

function occasion(value: unknown): Occasion | null {
  return isPlainObject(value) && typeof value["time"] === "string" && typeof value["version"] === "number" ? { time: value["time"], version: value["version"] } : null;
}

/** Milliseconds since 1970, of a time that a key may have been made at. */
const isPlausible = (ms: number): boolean => ms >= 0 && ms < LATEST_MS;

/** RFC 3339 of the entry, or of older ones the second. */
function createdOf(entry: Document): string {
  const time = text(entry["time"]);
  const seconds = entry["creation_time"];
  if (isPlausible(Date.parse(time))) return time;
  if (typeof seconds === "number" && isPlausible(seconds * MS)) return new Date(seconds * MS).toISOString();
  throw broken("a version without a time");
}

function symmetric(entry: Document, least: number, most: number): Material {
  const secret = bytes(entry["key"], "a key");
  if (secret.length < least || secret.length > most) throw broken("a key has the wrong length");
  return { secret: secret.toString("base64"), public: "" };
}

function ed25519(entry: Document): Material {
  const secret = bytes(entry["key"], "a key");
  if (secret.length === ED25519_BYTES) return { ...privateMaterial(ed25519FromSeed(secret)), secret: secret.toString("base64") };
  if (secret.length > 0) throw broken("a key has the wrong length");
  const raw = bytes(entry["public_key"], "a public key");
  return publicMaterial(createPublicKey({ key: Buffer.concat([ED25519_SPKI_PREFIX, raw]), format: "der", type: "spki" }));
}

/** Throws whatever OpenSSL says of numbers that are no key. */
function materialOf(name: KeyTypeName, entry: Document): Material {
  const type = typeOf(name);
  switch (type.family) {
    case "aead":
      return symmetric(entry, type.keyBytes, type.keyBytes);
    case "hmac":
      return symmetric(entry, HMAC_KEY_BYTES.least, HMAC_KEY_BYTES.most);
    case "ed25519":
      return ed25519(entry);
    case "ec":
      return asymmetric(ecKey(type, entry));
    case "rsa": {
      const key = entry["rsa_key"] ? rsaPrivateKey(entry["rsa_key"]) : rsaPublicKey(entry["rsa_public_key"]);
      if (key.asymmetricKeyDetails?.modulusLength !== type.bits) throw broken("an RSA key has the wrong length");
      return asymmetric(key);
    }
  }
}

/** OpenSSL takes the numbers of a JWK as they are; reading them back from PKCS #8 makes it look at them. */
function asymmetric(key: KeyObject): Material {
  if (key.type === "public") return publicMaterial(key);
  return privateMaterial(createPrivateKey({ key: key.export({ format: "der", type: "pkcs8" }), format: "der", type: "pkcs8" }));
}

function certificateOf(value: unknown): string {
  const der = bytes(value, "a certificate");
  if (der.length === 0) throw broken("a certificate is empty");
  return der.toString("base64");
}

function versionOf(type: KeyTypeName, value: unknown): KeyVersion {
  if (!isPlainObject(value)) throw broken("a version is missing");
  const chain = value["certificate_chain"] ?? [];
  if (!Array.isArray(chain)) throw broken("a certificate chain is not a list");
  let material: Material;
  try {
    material = materialOf(type, value);
  } catch (error) {
    if (error instanceof RequestError) throw error;
    throw broken("the material of a version is not a key");
  }
  const hmac = type === "hmac" ? material.secret : bytes(value["hmac_key"], "an HMAC key").toString("base64");
  return {
    ...material,
    hmac,
    created: createdOf(value),
    convergent_version: typeof value["convergent_version"] === "number" ? value["convergent_version"] : 0,
    certificate_chain: chain.map(certificateOf),
  };
}

function parse(backup: string): { readonly policy: Document; readonly archive: readonly unknown[] } {
  let document: unknown;
  try {
    document = parseDocument(decodeBase64(backup).toString("utf8"));
  } catch {
    throw broken("it is not JSON in base64");
  }
  const policy = isPlainObject(document) ? document["policy"] : undefined;
  if (!isPlainObject(policy) || !isPlainObject(policy["keys"])) throw broken("it has no policy with keys");
  const archived = isPlainObject(document) && isPlainObject(document["archived_keys"]) ? document["archived_keys"]["keys"] : undefined;
  return { policy, archive: Array.isArray(archived) ? (archived as unknown[]) : [] };
}

/** Reads a backup of Vault, or of ours. Throws RequestError 400. */
export function readBackup(backup: string): Restored {
  const { policy, archive } = parse(backup);
  const type = typeWithCode(policy["type"]);
  if (!type) throw broken("its type is unknown");
  if (text(policy["version_template"]) !== "") throw broken("it has a version template");
  const latest = count(policy["latest_version"], "latest_version", 1);
  const available = count(policy["min_available_version"] ?? 0, "min_available_version");
  const first = Math.max(1, available);
  if (first > latest) throw broken("it has no versions");
  const live = policy["keys"] as Document;
  const versions = Array.from({ length: latest - first + 1 }, (_, at) => versionOf(type, live[String(first + at)] ?? archive[first + at - available]));
  return { key: keyOf(policy, type, latest, available, versions.at(-1)!), first, versions };
}

/** Seconds, of nanoseconds. Throws RequestError 400. */
function periodOf(value: unknown): number {
  const seconds = Math.floor(Number(String(value ?? 0)) / NANOSECONDS);
  if (!(seconds >= 0 && seconds <= MOST_SECONDS)) throw broken("auto_rotate_period is not a duration");
  checkRotatePeriod(seconds);
  return seconds;
}

function keyOf(policy: Document, type: KeyTypeName, latest: number, available: number, newest: KeyVersion): Key {
  const decryption = Math.max(1, count(policy["min_decryption_version"] ?? 1, "min_decryption_version"));
  const encryption = count(policy["min_encryption_version"] ?? 0, "min_encryption_version");
  if (decryption > latest || encryption > latest || decryption < available) throw broken("its versions contradict each other");
  const can = capabilitiesOf(type);
  return {
    name: text(policy["name"]),
    type,
    key_size: type === "hmac" ? Buffer.from(newest.secret, "base64").length : 0,
    derived: flag(policy["derived"]) && can.derivation,
    kdf: policy["kdf"] === 1 ? "hkdf_sha256" : "hmac-sha256-counter",
    convergent_encryption: flag(policy["convergent_encryption"]) && can.convergence,
    convergent_version: typeof policy["convergent_version"] === "number" ? policy["convergent_version"] : 0,
    exportable: flag(policy["exportable"]),
    allow_plaintext_backup: flag(policy["allow_plaintext_backup"]),
    deletion_allowed: flag(policy["deletion_allowed"]),
    imported: flag(policy["Imported"]),
    imported_allow_rotation: flag(policy["AllowImportedKeyRotation"]),
    soft_deleted: flag(policy["soft_deleted"]),
    latest_version: latest,
    min_available_version: available,
    min_decryption_version: decryption,
    min_encryption_version: encryption,
    auto_rotate_period: periodOf(policy["auto_rotate_period"]),
    latest_created_ms: Date.parse(newest.created),
    rotates_at_ms: 0,
    backup_info: occasion(policy["backup_info"]),
    restore_info: null,
  };
}
