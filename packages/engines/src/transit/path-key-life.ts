import { data, definePath, field, invalid } from "@coffer/state-machine";
import type { WriteStorage } from "@coffer/state-machine";
import { NAME, requireKey } from "./crypto-fields.js";
import { keyAnswer } from "./key-answer.js";
import { deleteVersion, firstVersion, getKey, putKey } from "./storage.js";
import type { Key } from "./storage.js";
import { rotateKey } from "./versions.js";

export const rotatePath = definePath({
  template: "keys/{name}/rotate",
  help: { synopsis: "Makes a new version of a key.", description: "From now on it encrypts and signs; older versions still decrypt and verify." },
  fields: { name: NAME },
  operations: {
    update: {
      effect: "write",
      summary: "Rotate a key.",
      async handler({ input }, storage, { env }) {
        return data(keyAnswer(storage, await rotateKey(storage, requireKey(storage, input.name, "key"), env)));
      },
    },
  },
});

/** Throws RequestError 400. */
function checkTrim(key: Key, version: number): void {
  if (version < key.min_available_version) throw invalid("minimum available version cannot be decremented");
  if (key.min_encryption_version === 0) throw invalid("minimum available version cannot be set when minimum encryption version is not set");
  if (version > key.min_encryption_version) throw invalid("minimum available version cannot be greater than minmum encryption version");
  if (version > key.min_decryption_version) throw invalid("minimum available version cannot be greater than minimum decryption version");
  if (version <= 0) throw invalid(version < 0 ? "minimum available version cannot be negative" : "minimum available version should be positive");
}

export const trimPath = definePath({
  template: "keys/{name}/trim",
  help: { synopsis: "Deletes old versions of a key for good.", description: "What they encrypted cannot be decrypted any more. Both min_encryption_version and min_decryption_version must be at least as high." },
  fields: { name: NAME, min_available_version: field.int({ description: "The oldest version that stays." }) },
  operations: {
    update: {
      effect: "write",
      summary: "Trim a key.",
      handler({ input }, storage) {
        const key = getKey(storage, input.name);
        if (!key) throw invalid("invalid key name");
        if (input.min_available_version === undefined) throw invalid("missing min_available_version");
        checkTrim(key, input.min_available_version);
        for (let number = firstVersion(key); number < input.min_available_version; number++) deleteVersion(storage, key.name, number);
        return data(keyAnswer(storage, putKey(storage, { ...key, min_available_version: input.min_available_version }, key)));
      },
    },
  },
});

function markDeleted(storage: WriteStorage, name: string, isDeleted: boolean) {
  const key = getKey(storage, name);
  if (!key) return undefined;
  const warnings = key.soft_deleted === isDeleted ? [isDeleted ? "key was already marked as soft deleted" : "key was already restored"] : [];
  return data(keyAnswer(storage, putKey(storage, { ...key, soft_deleted: isDeleted }, key)), { warnings });
}

export const softDeletePath = definePath({
  template: "keys/{name}/soft-delete",
  help: { synopsis: "Puts a key out of use.", description: "Nothing can be done with it until soft-delete-restore. Its material stays." },
  fields: { name: NAME },
  operations: { delete: { effect: "write", summary: "Put a key out of use.", responses: { 200: "OK" }, handler: ({ input }, storage) => markDeleted(storage, input.name, true) } },
});

export const softDeleteRestorePath = definePath({
  template: "keys/{name}/soft-delete-restore",
  help: { synopsis: "Puts a key back in use.", description: "The opposite of soft-delete." },
  fields: { name: NAME },
  operations: { update: { effect: "write", summary: "Put a key back in use.", handler: ({ input }, storage) => markDeleted(storage, input.name, false) } },
});
