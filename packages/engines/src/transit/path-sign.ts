import { definePath, invalid } from "@coffer/state-machine";
import { decodeBase64, decodeInput } from "./base64.js";
import { answerBatch, batchOf } from "./batch.js";
import { hashInPath, KEY_VERSION, requireKey } from "./crypto-fields.js";
import { capabilitiesOf } from "./key-types.js";
import { sign } from "./signature.js";
import type { Signature } from "./signature.js";
import { SIGNATURE_FIELDS, signatureOptions } from "./signature-fields.js";

/** The hash algorithm may stand in the path. */
export const signPaths = (["sign/{name}", "sign/{name}/{urlalgorithm}"] as const).map((template) =>
  definePath({
    template: template as "sign/{name}",
    help: { synopsis: "Signs an input with a named key.", description: "The signature says which version of the key made it; verify/ takes it as it is. Derived keys need a context, and tell its public key." },
    fields: { ...SIGNATURE_FIELDS, urlalgorithm: hashInPath(template), key_version: KEY_VERSION },
    operations: {
      update: {
        effect: "read",
        summary: "Sign an input, or a batch of inputs.",
        handler({ input }, storage, { env }) {
          const options = signatureOptions(input);
          const batch = batchOf(input.batch_input, () => ({ input: input.input, context: input.context }));
          const key = requireKey(storage, input.name, "signing key");
          if (!capabilitiesOf(key.type).signing) throw invalid(`key type ${key.type} does not support signing`);
          const show = ({ signature, version, publicKey }: Signature) => ({ signature, key_version: version, ...(publicKey && { [batch.isBatch ? "publickey" : "public_key"]: publicKey }) });
          return answerBatch(
            batch,
            (item) => {
              if (item.input === undefined) throw invalid("missing input");
              const signed = sign(storage, key, decodeInput(item.input), decodeBase64(item.context ?? ""), input.key_version, options, env);
              return signed instanceof Promise ? signed.then(show) : show(signed);
            },
            { onFailure: { key_version: 0 } },
          );
        },
      },
    },
  }),
);
