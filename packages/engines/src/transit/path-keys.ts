import { data, definePath, field, invalid, keyList, NO_CONTENT, pageFields } from "@coffer/state-machine";
import { decodeBase64 } from "./base64.js";
import { NAME } from "./crypto-fields.js";
import { newVersion } from "./generate.js";
import { keyAnswer } from "./key-answer.js";
import { HMAC_KEY_BYTES, isKeyTypeName, KEY_TYPES } from "./key-types.js";
import type { KeyTypeName } from "./key-types.js";
import { deleteKey, getKey, KEY_FOLDER } from "./storage.js";
import { checkSettings, createKey } from "./versions.js";
import type { KeySettings } from "./versions.js";

/** Throws RequestError 400. */
export function requireType(name: string): KeyTypeName {
  if (!isKeyTypeName(name)) throw invalid(`unknown key type ${name}`);
  return name;
}

/** Bytes of a key of type hmac; 0 for other types. Throws RequestError 400. */
function keySize(type: KeyTypeName, asked: number): number {
  if (type !== "hmac") {
    if (asked !== 0) throw invalid(`key_size is not valid for algorithm ${type}`);
    return 0;
  }
  if (asked !== 0 && (asked < HMAC_KEY_BYTES.least || asked > HMAC_KEY_BYTES.most)) throw invalid(`invalid key_size ${asked}`);
  if (asked === 0) throw invalid(`invalid key size for HMAC key, must be between ${HMAC_KEY_BYTES.least} and ${HMAC_KEY_BYTES.most} bytes`);
  return asked;
}

export const SETTINGS_FIELDS = {
  type: field.string({ description: `Type of the key: one of ${Object.keys(KEY_TYPES).join(", ")}.`, default: "aes256-gcm96" }),
  derived: field.bool({ description: "Whether each request derives a key of its own, from the context that it gives.", default: false }),
  exportable: field.bool({ description: "Whether the key material may be read. Cannot be undone.", default: false }),
  allow_plaintext_backup: field.bool({ description: "Whether the key may be backed up, in plaintext. Cannot be undone.", default: false }),
  auto_rotate_period: field.duration({ description: "How long a version is the latest before the key rotates by itself: an hour or more; 0 means that it does not.", default: 0 }),
};

export const keysPath = definePath({
  template: "keys",
  help: { synopsis: "Lists the keys.", description: "Only their names." },
  fields: pageFields(),
  operations: {
    list: {
      effect: "read",
      summary: "List the keys.",
      handler: async ({ input }, storage) => keyList(await storage.list(KEY_FOLDER, input)),
    },
  },
});

export const keyPath = definePath({
  template: "keys/{name}",
  help: { synopsis: "Makes, reads and deletes named keys.", description: "A key has versions, of which the latest encrypts and signs while older ones still decrypt and verify. Reading shows nothing that is secret." },
  fields: {
    name: NAME,
    ...SETTINGS_FIELDS,
    convergent_encryption: field.bool({ description: "Whether equal plaintexts with equal contexts give equal ciphertexts. The key must be derived.", default: false }),
    key_size: field.int({ description: `Bytes of a key of type hmac: ${HMAC_KEY_BYTES.least} to ${HMAC_KEY_BYTES.most}.`, default: 0 }),
    context: field.string({ description: "When reading a derived key of type ed25519: the context whose public key is shown, in base64.", query: true, default: "" }),
  },
  operations: {
    read: {
      effect: "read",
      summary: "Read what a key is, and its public half.",
      handler({ input }, storage) {
        const key = getKey(storage, input.name);
        return key && data(keyAnswer(storage, key, decodeBase64(input.context)));
      },
    },
    update: {
      effect: "write",
      summary: "Make a key. One that exists stays as it is.",
      async handler({ input }, storage, { env }) {
        const type = requireType(input.type);
        const settings: KeySettings = {
          type,
          key_size: keySize(type, input.key_size),
          derived: input.derived,
          convergent_encryption: input.convergent_encryption,
          exportable: input.exportable,
          allow_plaintext_backup: input.allow_plaintext_backup,
          auto_rotate_period: input.auto_rotate_period,
        };
        checkSettings(settings);
        const existing = getKey(storage, input.name);
        if (existing) return data(keyAnswer(storage, existing), { warnings: [`key ${input.name} already existed`] });
        return data(keyAnswer(storage, createKey(storage, input.name, settings, await newVersion(settings, env))));
      },
    },
    delete: {
      effect: "write",
      summary: "Delete a key whose configuration allows it. What it encrypted is lost.",
      handler({ input }, storage) {
        const key = getKey(storage, input.name);
        if (!key) throw invalid(`error deleting policy ${input.name}: could not delete key; not found`);
        if (!key.deletion_allowed) throw invalid(`error deleting policy ${input.name}: deletion is not allowed for this key`);
        deleteKey(storage, key);
        return NO_CONTENT;
      },
    },
  },
});
