import { definePath, field, invalid } from "@coffer/state-machine";
import { decodeInput } from "./base64.js";
import { answerBatch, batchOf } from "./batch.js";
import { BATCH_INPUT, hashInPath, KEY_VERSION, NAME, requireKey } from "./crypto-fields.js";
import { DEFAULT_HASH, hashAlgorithm } from "./hash-algorithms.js";
import { hmac } from "./hmac.js";

/** The hash algorithm may stand in the path. */
export const hmacPaths = (["hmac/{name}", "hmac/{name}/{urlalgorithm}"] as const).map((template) =>
  definePath({
    template: template as "hmac/{name}",
    help: { synopsis: "Makes the HMAC of an input with a named key.", description: "Every key can, whatever its type: it has a key of its own for this. verify/ checks what comes out." },
    fields: {
      name: NAME,
      urlalgorithm: hashInPath(template),
      algorithm: field.string({ description: "Hash algorithm: sha1, or of 224, 256, 384 or 512 bits sha2- or sha3-, such as sha2-256.", default: DEFAULT_HASH }),
      input: field.string({ description: "The input, in base64.", sensitive: true }),
      key_version: KEY_VERSION,
      batch_input: BATCH_INPUT,
    },
    operations: {
      update: {
        effect: "read",
        summary: "Make an HMAC, or a batch of HMACs.",
        handler({ input }, storage) {
          const batch = batchOf(input.batch_input, () => ({ ...(input.input !== undefined && { input: input.input }) }));
          const key = requireKey(storage, input.name, "encryption key");
          const hash = hashAlgorithm(input.urlalgorithm || input.algorithm);
          return answerBatch(batch, (item) => {
            if (item.input === undefined) throw invalid("missing input for HMAC");
            return { hmac: hmac(storage, key, decodeInput(item.input), input.key_version, hash) };
          });
        },
      },
    },
  }),
);
