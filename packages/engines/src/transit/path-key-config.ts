import { data, definePath, field, invalid } from "@coffer/state-machine";
import { NAME } from "./crypto-fields.js";
import { keyAnswer } from "./key-answer.js";
import { getKey, putKey } from "./storage.js";
import type { Key } from "./storage.js";
import { checkRotatePeriod } from "./versions.js";

interface Changes {
  readonly min_decryption_version: number | undefined;
  readonly min_encryption_version: number | undefined;
  readonly deletion_allowed: boolean | undefined;
  readonly exportable: boolean | undefined;
  readonly allow_plaintext_backup: boolean | undefined;
  readonly auto_rotate_period: number | undefined;
}

/** Throws RequestError 400. `what`: "decryption". */
function checkVersion({ latest_version: latest }: Key, version: number, what: string): void {
  if (version < 0) throw invalid(`min ${what} version cannot be negative`);
  if (version > latest) throw invalid(`cannot set min ${what} version of ${version}, latest key version is ${latest}`);
}

/** The key as it would be. Throws RequestError 400. */
function changed(key: Key, changes: Changes): Key {
  const decryption = changes.min_decryption_version === 0 ? 1 : (changes.min_decryption_version ?? key.min_decryption_version);
  const encryption = changes.min_encryption_version ?? key.min_encryption_version;
  checkVersion(key, decryption, "decryption");
  checkVersion(key, encryption, "encryption");
  if (encryption > 0 && encryption < decryption) {
    throw invalid(`cannot set min encryption/decryption values; min encryption version of ${encryption} must be greater than or equal to min decryption version of ${decryption}`);
  }
  if (key.min_available_version > encryption) throw invalid("min encryption version should not be less than min available version");
  if (key.min_available_version > decryption) throw invalid("min decryption version should not be less then min available version");
  const period = changes.auto_rotate_period ?? key.auto_rotate_period;
  checkRotatePeriod(period);
  return {
    ...key,
    min_decryption_version: decryption,
    min_encryption_version: encryption,
    deletion_allowed: changes.deletion_allowed ?? key.deletion_allowed,
    // What was allowed once may have happened.
    exportable: key.exportable || changes.exportable === true,
    allow_plaintext_backup: key.allow_plaintext_backup || changes.allow_plaintext_backup === true,
    auto_rotate_period: period,
  };
}

export const keyConfigPath = definePath({
  template: "keys/{name}/config",
  help: { synopsis: "Changes the settings of a key.", description: "What is not given stays as it is." },
  fields: {
    name: NAME,
    min_decryption_version: field.int({ description: "The oldest version that decrypts and verifies. 0 means 1." }),
    min_encryption_version: field.int({ description: "The oldest version that encrypts and signs if asked for; 0 means any that decrypts." }),
    deletion_allowed: field.bool({ description: "Whether the key may be deleted." }),
    exportable: field.bool({ description: "Whether the key material may be read. Cannot be undone." }),
    allow_plaintext_backup: field.bool({ description: "Whether the key may be backed up, in plaintext. Cannot be undone." }),
    auto_rotate_period: field.duration({ description: "How long a version is the latest before the key rotates by itself: an hour or more; 0 means that it does not." }),
  },
  operations: {
    update: {
      effect: "write",
      summary: "Change the settings of a key.",
      handler({ input }, storage) {
        const key = getKey(storage, input.name);
        if (!key) throw invalid(`no existing key named ${input.name} could be found`);
        const warnings = input.min_decryption_version === 0 ? ["since Vault 0.3, transit key numbering starts at 1; forcing minimum to 1"] : [];
        return data(keyAnswer(storage, putKey(storage, changed(key, input), key)), { warnings });
      },
    },
  },
});
