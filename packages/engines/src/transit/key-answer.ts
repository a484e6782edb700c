import type { ReadStorage } from "@coffer/state-machine";
import { derivedEd25519 } from "./derive.js";
import { spkiOf } from "./generate.js";
import { capabilitiesOf, typeOf } from "./key-types.js";
import { publicKey, rawEd25519PublicKey } from "./material.js";
import type { Key, KeyVersion } from "./storage.js";
import { liveVersions } from "./versions.js";

const RAW_ED25519_BYTES = 32;
const MS = 1000;

/** PEM, as Vault writes it: without a line break at the end. */
export function certificatesPem(chain: readonly string[]): string {
  return chain.map((der) => `-----BEGIN CERTIFICATE-----\n${der.match(/.{1,64}/g)!.join("\n")}\n-----END CERTIFICATE-----`).join("\n");
}

function publicText(key: Key, version: KeyVersion, context: Uint8Array): string {
  if (key.type !== "ed25519") return publicKey(version).export({ format: "pem", type: "spki" }) as string;
  if (!key.derived) return rawEd25519PublicKey(version).toString("base64");
  // Without a context there is no one public key.
  if (context.length === 0) return "";
  return Buffer.from(spkiOf(derivedEd25519(key, version, context)), "base64").subarray(-RAW_ED25519_BYTES).toString("base64");
}

/** By version: of symmetric keys when it was made, in seconds since 1970; of others their public half too. */
function keysOf(storage: ReadStorage, key: Key, context: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  const type = typeOf(key.type);
  if (type.family === "hmac") return undefined;
  const name = type.family === "ec" ? type.curve : key.type;
  const live = liveVersions(storage, key);
  if (!capabilitiesOf(key.type).publicKey) return Object.fromEntries(live.map(([number, { created }]) => [number, Math.floor(Date.parse(created) / MS)]));
  return Object.fromEntries(
    live.map(([number, version]) => [number, { name, public_key: publicText(key, version, context), certificate_chain: certificatesPem(version.certificate_chain), creation_time: version.created }]),
  );
}

/** A key as Vault shows it, which is never more than the public half. */
export function keyAnswer(storage: ReadStorage, key: Key, context: Uint8Array = Buffer.alloc(0)): Record<string, unknown> {
  const can = capabilitiesOf(key.type);
  const keys = keysOf(storage, key, context);
  return {
    name: key.name,
    type: key.type,
    derived: key.derived,
    deletion_allowed: key.deletion_allowed,
    min_available_version: key.min_available_version,
    min_decryption_version: key.min_decryption_version,
    min_encryption_version: key.min_encryption_version,
    latest_version: key.latest_version,
    exportable: key.exportable,
    allow_plaintext_backup: key.allow_plaintext_backup,
    supports_encryption: can.encryption,
    supports_decryption: can.encryption,
    supports_signing: can.signing,
    supports_derivation: can.derivation,
    auto_rotate_period: key.auto_rotate_period,
    imported_key: key.imported,
    soft_deleted: key.soft_deleted,
    ...(key.key_size > 0 && { key_size: key.key_size }),
    ...(key.imported && { imported_key_allow_rotation: key.imported_allow_rotation }),
    ...(key.backup_info && { backup_info: key.backup_info }),
    ...(key.restore_info && { restore_info: key.restore_info }),
    ...(key.derived && { kdf: key.kdf, convergent_encryption: key.convergent_encryption }),
    ...(key.derived && key.kdf === "hmac-sha256-counter" && { kdf_mode: key.kdf }),
    ...(key.convergent_encryption && { convergent_encryption_version: key.convergent_version }),
    ...(keys && { keys }),
  };
}
