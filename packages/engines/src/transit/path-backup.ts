import { data, definePath, field, invalid, NO_CONTENT } from "@coffer/state-machine";
import { makeBackup } from "./backup.js";
import { inPathOrNot, NAME } from "./crypto-fields.js";
import { readBackup } from "./restore.js";
import { deleteKey, getKey, putKey, putVersion } from "./storage.js";
import { refuseSoftDeleted } from "./versions.js";

const KEY_NAME = /^\w(([\w-.]+)?\w)?$/;

export const backupPath = definePath({
  template: "backup/{name}",
  help: { synopsis: "Backs up a key.", description: "The backup has everything, in plaintext: it must be guarded like the key. Vault restores it, too. Both exportable and allow_plaintext_backup must be set." },
  fields: { name: NAME },
  operations: {
    read: {
      // It is noted on the key that it left.
      effect: "write",
      summary: "Back up a key.",
      handler({ input }, storage, { env }) {
        const key = getKey(storage, input.name);
        if (!key) throw invalid(`key ${JSON.stringify(input.name)} not found`);
        refuseSoftDeleted(key);
        if (!key.exportable) throw invalid("exporting is disallowed on the policy");
        if (!key.allow_plaintext_backup) throw invalid("plaintext backup is disallowed on the policy");
        const noted = putKey(storage, { ...key, backup_info: { time: new Date(env.now()).toISOString(), version: key.latest_version } }, key);
        return data({ backup: makeBackup(storage, noted) });
      },
    },
  },
});

/** The name of the key may stand in the path. */
export const restorePaths = (["restore", "restore/{name}"] as const).map((template) =>
  definePath({
    template: template as "restore",
    help: { synopsis: "Restores a key from a backup.", description: "From one of Vault's, too. The key gets the name that it had, unless it is given another." },
    fields: {
      backup: field.string({ description: "What backup/ gave.", sensitive: true, default: "" }),
      name: inPathOrNot(template, "name", "Name of the restored key; empty means the name that it had."),
      force: field.bool({ description: "Whether a key of this name is replaced.", default: false }),
    },
    operations: {
      update: {
        effect: "write",
        summary: "Restore a key.",
        handler({ input }, storage, { env }) {
          if (input.backup === "") throw invalid("'backup' must be supplied");
          if (input.name.includes("/")) throw invalid("key names cannot be paths");
          const { key, first, versions } = readBackup(input.backup);
          const name = input.name === "" ? key.name : input.name;
          if (!KEY_NAME.test(name)) throw invalid(`invalid name ${JSON.stringify(name)}`);
          const existing = getKey(storage, name);
          if (existing && !input.force) throw invalid(`key ${JSON.stringify(name)} already exists`);
          if (existing) deleteKey(storage, existing);
          versions.forEach((version, at) => putVersion(storage, name, first + at, version));
          putKey(storage, { ...key, name, restore_info: { time: new Date(env.now()).toISOString(), version: key.latest_version } }, undefined);
          return NO_CONTENT;
        },
      },
    },
  }),
);
