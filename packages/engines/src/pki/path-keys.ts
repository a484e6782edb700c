import { data, definePath, field, invalid, keyList, NO_CONTENT, pageFields } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { findKey, keyMaterialOf } from "./authority.js";
import { NO_MANAGED_KEYS } from "./ca-key.js";
import { allIssuers } from "./crl-rebuild.js";
import { addKey, checkKeyName, linkKeys } from "./issuer-store.js";
import { checkKeySize, generateKey, importKey, privateKeyPem, publicKeyBits } from "./key-material.js";
import type { KeyType } from "./key-material.js";
import { colonHex, pemBlocks } from "./pem.js";
import { keyIdentifier } from "./signer.js";
import { deleteKey, getKey, getKeysConfig, keyIds, putKey, putKeysConfig } from "./storage.js";
import type { StoredKey } from "./storage.js";

/** Shorter than any key: most likely the name of a file. */
const MIN_LENGTH = 64;

const REF = { key_ref: field.string({ description: "Name or id of the key, or `default`.", required: true }) };

/** Throws RequestError 400. */
function required(storage: ReadStorage, ref: string): StoredKey {
  const key = findKey(storage, ref);
  if (!key) throw invalid(`unable to find PKI key for reference: ${ref}`);
  return key;
}

export const keysPath = definePath({
  template: "keys",
  help: { synopsis: "Lists keys.", description: "By their ids, with names beside them." },
  fields: pageFields("ids"),
  operations: {
    list: {
      effect: "read",
      summary: "List keys.",
      async handler({ input }, storage) {
        const ids = (await keyIds(storage)).filter((id) => id > input.after).slice(0, input.limit > 0 ? input.limit : undefined);
        const config = getKeysConfig(storage);
        return keyList(ids, Object.fromEntries(ids.map((id) => [id, { key_name: getKey(storage, id)!.name, is_default: id === config.default }])));
      },
    },
  },
});

export const keyPath = definePath({
  template: "key/{key_ref}",
  help: { synopsis: "Reads, names and removes a key.", description: "The private key itself is never shown. A key that an issuer uses cannot be removed." },
  fields: { ...REF, key_name: field.string({ description: "Name of the key; empty for none." }) },
  operations: {
    read: {
      effect: "read",
      summary: "Read what is known of a key.",
      handler({ input }, storage) {
        const key = required(storage, input.key_ref);
        return data({ key_id: key.id, key_name: key.name, key_type: key.type, subject_key_id: colonHex(keyIdentifier(publicKeyBits(keyMaterialOf(key)))) });
      },
    },
    update: {
      effect: "write",
      summary: "Name a key.",
      handler({ input }, storage) {
        const key = required(storage, input.key_ref);
        const name = checkKeyName(storage, input.key_name ?? "", key.id);
        putKey(storage, { ...key, name });
        const warnings = key.name !== "" && name === "" ? { warnings: [`Name successfully deleted, you will now need to reference this key by it's Id: ${key.id}`] } : {};
        return data({ key_id: key.id, key_name: name, key_type: key.type }, warnings);
      },
    },
    delete: {
      effect: "write",
      summary: "Remove a key that no issuer uses.",
      async handler({ input }, storage) {
        const key = findKey(storage, input.key_ref);
        if (!key) return NO_CONTENT;
        const user = (await allIssuers(storage)).find(({ key_id }) => key_id === key.id);
        if (user) throw invalid(`Failed to Delete Key.  Key in Use by Issuer: ${user.id}`);
        deleteKey(storage, key);
        const config = getKeysConfig(storage);
        const wasDefault = config.default === key.id;
        putKeysConfig(storage, { default: wasDefault ? "" : config.default, revision: config.revision + 1 });
        if (!wasDefault) return NO_CONTENT;
        return { ...NO_CONTENT, warnings: [`Deleted key ${key.id} (via key_ref ${input.key_ref}); this was configured as the default key. Operations without an explicit key will not work until a new default is configured.`] };
      },
    },
  },
});

export const generateKeyPath = definePath({
  template: "keys/generate/{exported}",
  help: { synopsis: "Makes a key.", description: "For a CA's certificate to come; `exported` returns it too, and that is the only chance to have it." },
  fields: {
    exported: field.string({ description: "What is done with the key: `internal` keeps it, `exported` returns it too.", required: true, allowed: ["internal", "exported", "kms"] }),
    key_name: field.string({ description: "Name of the key.", default: "" }),
    key_type: field.string({ description: "Type of the key.", default: "rsa", allowed: ["rsa", "ec", "ed25519"] }),
    key_bits: field.int({ description: "Size of the key; 0 means the type's default.", default: 0 }),
    managed_key_name: field.string({ description: "Name of a managed key, for `kms`." }),
    managed_key_id: field.string({ description: "Id of a managed key, for `kms`." }),
  },
  operations: {
    update: {
      effect: "write",
      summary: "Make a key.",
      async handler({ input }, storage, { env }) {
        if (input.exported === "kms") throw invalid(NO_MANAGED_KEYS);
        const name = checkKeyName(storage, input.key_name);
        const material = await generateKey(input.key_type as KeyType, checkKeySize(input.key_type, input.key_bits));
        const { entry } = await addKey(storage, env, material, name);
        return data({ key_id: entry.id, key_name: entry.name, key_type: entry.type, ...(input.exported === "exported" && { private_key: privateKeyPem(material) }) });
      },
    },
  },
});

export const importKeyPath = definePath({
  template: "keys/import",
  help: { synopsis: "Imports a private key.", description: "A key that is here already is not doubled; issuers whose certificates it fits get it." },
  fields: {
    key_name: field.string({ description: "Name of the key.", default: "" }),
    pem_bundle: field.string({ description: "The private key, PEM.", required: true, sensitive: true }),
  },
  operations: {
    update: {
      effect: "write",
      summary: "Import a private key.",
      async handler({ input }, storage, { env }) {
        const name = checkKeyName(storage, input.key_name);
        if (input.pem_bundle.length < MIN_LENGTH) throw invalid("provided data for import was too short; perhaps a path was passed to the API rather than the contents of a PEM file");
        const blocks = pemBlocks(input.pem_bundle).filter(({ label }) => label !== "EC PARAMETERS");
        if (blocks.length !== 1) throw invalid(blocks.length === 0 ? "provided data contains no PEM block" : "only a single key can be present within the pem_bundle for importing");
        const { entry, isNew } = await addKey(storage, env, importKey(blocks[0]!.label, blocks[0]!.der), name);
        await linkKeys(storage);
        return data({ key_id: entry.id, key_name: entry.name, key_type: entry.type }, isNew ? {} : { warnings: ["Key already imported, use key/ endpoint to update name."] });
      },
    },
  },
});
