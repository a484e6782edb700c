import { definePath, field, invalid } from "@coffer/state-machine";
import { answerBatch, batchOf, checkContexts } from "./batch.js";
import { ASSOCIATED_DATA, BATCH_INPUT, CONTEXT, NAME, NONCE, optionsOf, PARTIAL_FAILURE, requireKey } from "./crypto-fields.js";
import { decrypt } from "./encryption.js";

const plaintextAnswer = (plaintext: Buffer) => ({ plaintext: plaintext.toString("base64") });

export const decryptPath = definePath({
  template: "decrypt/{name}",
  help: { synopsis: "Decrypts with a named key.", description: "The plaintext comes back in base64. Whatever is wrong with a ciphertext, the error is the same." },
  fields: {
    name: NAME,
    ciphertext: field.string({ description: "What encryption gave.", default: "" }),
    context: CONTEXT,
    associated_data: ASSOCIATED_DATA,
    nonce: NONCE,
    batch_input: BATCH_INPUT,
    partial_failure_response_code: PARTIAL_FAILURE,
  },
  operations: {
    update: {
      effect: "read",
      summary: "Decrypt a ciphertext, or a batch of ciphertexts.",
      handler({ input }, storage) {
        const batch = batchOf(input.batch_input, () => {
          if (input.ciphertext === "") throw invalid("missing ciphertext to decrypt");
          return { ciphertext: input.ciphertext, context: input.context, associated_data: input.associated_data, nonce: input.nonce };
        });
        batch.items.forEach(({ ciphertext }, at) => {
          if (ciphertext === undefined) throw invalid(`failed to parse batch input: [${at}].ciphertext missing ciphertext to decrypt`);
        });
        checkContexts(batch);
        const key = requireKey(storage, input.name, "encryption key");
        return answerBatch(
          batch,
          (item) => {
            if (item.ciphertext === "") throw invalid("missing ciphertext to decrypt");
            const plaintext = decrypt(storage, key, item.ciphertext!, optionsOf(item));
            return plaintext instanceof Promise ? plaintext.then(plaintextAnswer) : plaintextAnswer(plaintext);
          },
          { onFailure: { plaintext: "" }, tellsStatus: { partialStatus: input.partial_failure_response_code } },
        );
      },
    },
  },
});
