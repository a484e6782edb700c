import { stringifyDocument } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { ecNumbers, rsaPrivateNumbers, rsaPublicNumbers } from "./backup-numbers.js";
import { typeOf } from "./key-types.js";
import { privateKey, publicKey, rawEd25519PublicKey } from "./material.js";
import { firstVersion } from "./storage.js";
import type { Key, KeyVersion } from "./storage.js";
import { requireVersion } from "./versions.js";

/**
 * A backup, in the form that Vault writes and reads: base64 of JSON, with all settings and the material of all versions. Its
 * `policy` has the versions that may be used, its archive all there are, the first at `min_available_version`.
 */
const NANOSECONDS = 1_000_000_000;
const NO_TIME = "0001-01-01T00:00:00Z";
const KDF_HKDF = 1;
const MS = 1000;

const NO_ENTRY = Object.freeze({
  key: null, hmac_key: null, time: NO_TIME, ec_x: null, ec_y: null, ec_d: null, rsa_key: null, rsa_public_key: null,
  public_key: "", convergent_version: 0, creation_time: 0, certificate_chain: null,
});

function materialOf(key: Key, version: KeyVersion): Record<string, unknown> {
  const type = typeOf(key.type);
  const isPublicOnly = version.secret === "";
  switch (type.family) {
    case "rsa":
      return isPublicOnly ? { rsa_public_key: rsaPublicNumbers(publicKey(version)) } : { rsa_key: rsaPrivateNumbers(privateKey(version)) };
    case "ec":
      return { ...ecNumbers(isPublicOnly ? publicKey(version) : privateKey(version)), public_key: publicKey(version).export({ format: "pem", type: "spki" }) };
    case "ed25519":
      return { key: isPublicOnly ? null : version.secret, public_key: rawEd25519PublicKey(version).toString("base64") };
    default:
      return { key: version.secret };
  }
}

function entryOf(key: Key, version: KeyVersion): Record<string, unknown> {
  return {
    ...NO_ENTRY,
    hmac_key: version.hmac,
    time: version.created,
    creation_time: Math.floor(Date.parse(version.created) / MS),
    convergent_version: version.convergent_version,
    certificate_chain: version.certificate_chain.length > 0 ? version.certificate_chain : null,
    ...materialOf(key, version),
  };
}

export function makeBackup(storage: ReadStorage, key: Key): string {
  const first = firstVersion(key);
  const entries = Array.from({ length: key.latest_version - first + 1 }, (_, at) => entryOf(key, requireVersion(storage, key, first + at)));
  const policy = {
    name: key.name,
    ...(key.key_size > 0 && { key_size: key.key_size }),
    keys: Object.fromEntries(entries.map((entry, at) => [first + at, entry] as const).filter(([number]) => number >= key.min_decryption_version)),
    derived: key.derived,
    kdf: key.derived && key.kdf === "hkdf_sha256" ? KDF_HKDF : 0,
    convergent_encryption: key.convergent_encryption,
    exportable: key.exportable,
    min_decryption_version: key.min_decryption_version,
    min_encryption_version: key.min_encryption_version,
    latest_version: key.latest_version,
    archive_version: key.latest_version,
    archive_min_version: key.min_available_version,
    min_available_version: key.min_available_version,
    deletion_allowed: key.deletion_allowed,
    convergent_version: key.convergent_version,
    type: typeOf(key.type).code,
    backup_info: key.backup_info,
    restore_info: key.restore_info,
    allow_plaintext_backup: key.allow_plaintext_backup,
    version_template: "",
    storage_prefix: "",
    auto_rotate_period: key.auto_rotate_period * NANOSECONDS,
    Imported: key.imported,
    AllowImportedKeyRotation: key.imported_allow_rotation,
    soft_deleted: key.soft_deleted,
  };
  // Keys of before any trim have an empty place at 0.
  const archived = key.min_available_version === 0 ? [NO_ENTRY, ...entries] : entries;
  return Buffer.from(`${stringifyDocument({ policy, archived_keys: { keys: archived } })}\n`).toString("base64");
}

