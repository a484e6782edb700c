import { definePath, field, invalid } from "@coffer/state-machine";
import type { Environment, WriteStorage } from "@coffer/state-machine";
import { decodeBase64 } from "./base64.js";
import { answerBatch, batchOf, checkContexts } from "./batch.js";
import type { Batch } from "./batch.js";
import { ASSOCIATED_DATA, BATCH_INPUT, CONTEXT, KEY_VERSION, NAME, NONCE, optionsOf, PARTIAL_FAILURE } from "./crypto-fields.js";
import { encrypt } from "./encryption.js";
import { quickVersion } from "./generate.js";
import { capabilitiesOf, isKeyTypeName } from "./key-types.js";
import { getKey, getKeysConfig } from "./storage.js";
import type { Key } from "./storage.js";
import { checkSettings, createKey } from "./versions.js";
import type { KeySettings } from "./versions.js";

interface Wanted {
  readonly name: string;
  readonly type: string;
  readonly convergent_encryption: boolean;
}

/** The key that encryption makes because it is not there: derived if the items have contexts. Throws RequestError 400. */
function makeKey(storage: WriteStorage, { name, type, convergent_encryption: converges }: Wanted, { items }: Batch, env: Environment): Key {
  const derived = (items[0]!.context ?? "") !== "";
  if (converges && !derived) throw invalid("convergent encryption requires derivation to be enabled, so context is required");
  if (!isKeyTypeName(type)) throw invalid(`unknown key type ${type}`);
  if (!capabilitiesOf(type).associatedData) throw invalid(`key type ${type} not supported for this operation`);
  if (getKeysConfig(storage).disable_upsert) throw invalid("encryption key not found");
  const settings: KeySettings = { type, key_size: 0, derived, convergent_encryption: converges, exportable: false, allow_plaintext_backup: false, auto_rotate_period: 0 };
  checkSettings(settings);
  return createKey(storage, name, settings, quickVersion(settings, env));
}

export const encryptPath = definePath({
  template: "encrypt/{name}",
  help: {
    synopsis: "Encrypts with a named key.",
    description: "The plaintext is base64. A key that does not exist is made by who may create it here; it is derived if a context is given. Nothing but such a key is stored.",
  },
  fields: {
    name: NAME,
    plaintext: field.string({ description: "What to encrypt, in base64.", sensitive: true }),
    context: CONTEXT,
    key_version: KEY_VERSION,
    associated_data: ASSOCIATED_DATA,
    nonce: NONCE,
    batch_input: BATCH_INPUT,
    partial_failure_response_code: PARTIAL_FAILURE,
    type: field.string({ description: "Type of the key to make, if it has to be made: one that encrypts symmetrically.", default: "aes256-gcm96" }),
    convergent_encryption: field.bool({ description: "Whether the key to make, if it has to be made, gives equal plaintexts with equal contexts equal ciphertexts.", default: false }),
  },
  exists: ({ input }, storage) => getKey(storage, input.name) !== undefined,
  operations: {
    update: {
      effect: "read-or-write",
      summary: "Encrypt a value, or a batch of values.",
      handler({ input }, storage, { env }) {
        const batch = batchOf(input.batch_input, () => {
          if (input.plaintext === undefined) throw invalid("missing plaintext to encrypt");
          return { plaintext: input.plaintext, context: input.context, key_version: input.key_version, associated_data: input.associated_data, nonce: input.nonce };
        });
        batch.items.forEach(({ plaintext }, at) => {
          if (plaintext === undefined) throw invalid(`failed to parse batch input: [${at}].plaintext missing plaintext to encrypt`);
        });
        checkContexts(batch);
        const key = getKey(storage, input.name) ?? makeKey(storage, input, batch, env);
        return answerBatch(
          batch,
          (item) => {
            const { ciphertext, version } = encrypt(storage, key, decodeBase64(item.plaintext!), item.key_version ?? 0, optionsOf(item), env);
            return { ciphertext, key_version: version };
          },
          { tellsStatus: { partialStatus: input.partial_failure_response_code } },
        );
      },
    },
  },
});
