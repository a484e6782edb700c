import { definePath, field, invalid } from "@coffer/state-machine";
import { answerBatch, batchOf, checkContexts } from "./batch.js";
import { BATCH_INPUT, CONTEXT, KEY_VERSION, NAME, NONCE, optionsOf, requireKey } from "./crypto-fields.js";
import { decrypt, encrypt } from "./encryption.js";

export const rewrapPath = definePath({
  template: "rewrap/{name}",
  help: { synopsis: "Encrypts a ciphertext again, with a newer version of its key.", description: "Who may do this need not be allowed to decrypt: the plaintext does not leave. In a batch, errors stand among the results and the status stays 200." },
  fields: {
    name: NAME,
    ciphertext: field.string({ description: "What encryption gave.", default: "" }),
    context: CONTEXT,
    key_version: KEY_VERSION,
    nonce: NONCE,
    batch_input: BATCH_INPUT,
  },
  operations: {
    update: {
      effect: "read",
      summary: "Rewrap a ciphertext, or a batch of ciphertexts.",
      handler({ input }, storage, { env }) {
        const batch = batchOf(input.batch_input, () => ({ ciphertext: input.ciphertext, context: input.context, key_version: input.key_version, nonce: input.nonce }));
        checkContexts(batch);
        const key = requireKey(storage, input.name, "encryption key");
        return answerBatch(batch, (item) => {
          if ((item.ciphertext ?? "") === "") throw invalid("missing ciphertext to decrypt");
          const options = optionsOf(item);
          const again = (plaintext: Buffer) => {
            const { ciphertext, version } = encrypt(storage, key, plaintext, item.key_version ?? 0, options, env);
            return { ciphertext, key_version: version };
          };
          const plaintext = decrypt(storage, key, item.ciphertext!, options);
          return plaintext instanceof Promise ? plaintext.then(again) : again(plaintext);
        });
      },
    },
  },
});
