import { definePath, field, invalid, NO_CONTENT } from "@coffer/state-machine";
import type { WriteStorage } from "@coffer/state-machine";
import { decodeBase64 } from "./base64.js";
import { NAME } from "./crypto-fields.js";
import { versionOf } from "./generate.js";
import type { Material } from "./generate.js";
import { importedMaterial, importedPublicMaterial } from "./import.js";
import { capabilitiesOf } from "./key-types.js";
import type { KeyTypeName } from "./key-types.js";
import { unwrapKey } from "./key-wrapping.js";
import { requireType, SETTINGS_FIELDS } from "./path-keys.js";
import { getKey, getVersion, getWrappingKey, putVersion } from "./storage.js";
import type { Key } from "./storage.js";
import { addVersion, checkSettings, createKey, refuseSoftDeleted } from "./versions.js";
import type { KeySettings } from "./versions.js";

const IMPORT_FIELDS = {
  name: NAME,
  ciphertext: field.string({ description: "The key, wrapped for the mount's wrapping key, in base64: an AES-256 key by RSA-OAEP, then the key by AES-KWP under that. Symmetric keys are raw, others PKCS #8.", default: "" }),
  public_key: field.string({ description: "The public half alone, in PEM; not looked at beside a ciphertext.", default: "" }),
  hash_function: field.string({ description: "Hash function of RSA-OAEP: SHA1, SHA224, SHA256, SHA384 or SHA512.", default: "SHA256" }),
};

interface ImportInput {
  readonly ciphertext: string;
  readonly public_key: string;
  readonly hash_function: string;
}

/** Throws RequestError 400. */
function materialOf(storage: WriteStorage, input: ImportInput, type: KeyTypeName, derived: boolean): Material {
  if (input.ciphertext === "") return importedPublicMaterial(type, input.public_key, derived);
  const wrappingKey = getWrappingKey(storage);
  if (!wrappingKey) throw invalid("nothing can be wrapped for this mount yet: read wrapping_key first");
  return importedMaterial(type, unwrapKey(wrappingKey, decodeBase64(input.ciphertext), input.hash_function));
}

export const importPath = definePath({
  template: "keys/{name}/import",
  help: { synopsis: "Imports a key as a new named key.", description: "It comes wrapped for the key that wrapping_key shows. It rotates only if that is allowed here." },
  fields: {
    ...IMPORT_FIELDS,
    ...SETTINGS_FIELDS,
    allow_rotation: field.bool({ description: "Whether the key may rotate, to versions made here.", default: false }),
    convergent_encryption: field.bool({ description: "Not allowed for imported keys.", default: false }),
    context: field.string({ description: "Has no meaning here; taken because Vault takes it.", default: "", deprecated: true }),
  },
  operations: {
    update: {
      effect: "write",
      summary: "Import a key.",
      handler({ input, given }, storage, { env }) {
        if (given("convergent_encryption")) throw invalid("import cannot be used on keys with convergent encryption enabled");
        if (input.auto_rotate_period > 0 && !input.allow_rotation) throw invalid("allow_rotation must be set to true if auto-rotation is enabled");
        const type = requireType(input.type.toLowerCase());
        if (getKey(storage, input.name)) throw invalid("the import path cannot be used with an existing key; use import-version to rotate an existing imported key");
        const material = materialOf(storage, input, type, input.derived);
        const settings: KeySettings = {
          type,
          key_size: type === "hmac" ? Buffer.from(material.secret, "base64").length : 0,
          derived: input.derived,
          convergent_encryption: false,
          exportable: input.exportable,
          allow_plaintext_backup: input.allow_plaintext_backup,
          auto_rotate_period: input.auto_rotate_period,
        };
        checkSettings(settings);
        createKey(storage, input.name, settings, versionOf(material, settings, env), { allowRotation: input.allow_rotation });
        return NO_CONTENT;
      },
    },
  },
});

/** Completes a version of which only the public half is there. False where the halves do not match. */
function complete(storage: WriteStorage, key: Key, number: number, material: Material): boolean {
  const version = getVersion(storage, key.name, number);
  if (!version || version.secret !== "" || material.secret === "" || version.public !== material.public) return false;
  putVersion(storage, key.name, number, { ...version, secret: material.secret });
  return true;
}

/** Throws RequestError 400. */
function checkCompletable(storage: WriteStorage, key: Key, number: number, hasSecret: boolean): void {
  const version = number < key.min_decryption_version ? undefined : getVersion(storage, key.name, number);
  if (!version) throw invalid("no such key version");
  if (!capabilitiesOf(key.type).publicKey) throw invalid("provided type does not support importing key versions");
  if (version.secret !== "") throw invalid("private key imported, key version cannot be updated");
  if (!hasSecret) throw invalid("cannot add a public key to a key version that already has a public key set");
}

export const importVersionPath = definePath({
  template: "keys/{name}/import_version",
  help: { synopsis: "Imports a new version of an imported key.", description: "Or the private half of a version that has only the public one: of the version that is named, or of the latest if it fits." },
  fields: { ...IMPORT_FIELDS, version: field.int({ description: "The version whose private half this is; absent for a new version." }) },
  operations: {
    update: {
      effect: "write",
      summary: "Import a version of a key.",
      handler({ input }, storage, { env }) {
        const key = getKey(storage, input.name);
        if (!key) throw invalid(`no key found with name ${input.name}; to import a new key, use the import/ endpoint`);
        refuseSoftDeleted(key);
        if (!key.imported) throw invalid("the import_version endpoint can only be used with an imported key");
        if (input.version !== undefined) checkCompletable(storage, key, input.version, input.ciphertext !== "");
        const material = materialOf(storage, input, key.type, key.derived);
        if (input.version !== undefined) {
          if (!complete(storage, key, input.version, material)) throw invalid("cannot import key, key pair does not match");
        } else if (!complete(storage, key, key.latest_version, material)) {
          addVersion(storage, key, versionOf(material, key, env), key.type === "hmac" ? { key_size: Buffer.from(material.secret, "base64").length } : {});
        }
        return NO_CONTENT;
      },
    },
  },
});
