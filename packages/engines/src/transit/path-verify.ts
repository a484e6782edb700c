import { definePath, field, invalid } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { decodeBase64, decodeInput } from "./base64.js";
import { answerBatch, batchOf } from "./batch.js";
import type { Batch, Item } from "./batch.js";
import { hashInPath, requireKey } from "./crypto-fields.js";
import { hashAlgorithm, namedHash } from "./hash-algorithms.js";
import { verifyHmac } from "./hmac.js";
import { capabilitiesOf } from "./key-types.js";
import { verify } from "./signature.js";
import { SIGNATURE_FIELDS, signatureOptions } from "./signature-fields.js";

/** Which of the two the items have; all the same. Throws RequestError 400. */
function kindOf({ isBatch, items }: Batch): "signature" | "hmac" {
  const has = (name: "signature" | "hmac") => items.filter((item) => item[name] !== undefined && (name === "signature" || item.signature === undefined)).length;
  const [signatures, hmacs] = [has("signature"), has("hmac")];
  if (!isBatch) {
    if (items[0]!.signature !== undefined && items[0]!.hmac !== undefined) throw invalid("provide one of 'signature' or 'hmac'");
    if (signatures + hmacs === 0) throw invalid("neither a 'signature' nor an 'hmac' were given to verify");
  }
  if (signatures > 0 && hmacs > 0) throw invalid("elements of batch_input must all provide 'signature' or all provide 'hmac'");
  if (signatures + hmacs === 0) throw invalid("no batch_input elements have 'signature' or 'hmac'");
  const kind = signatures > 0 ? "signature" : "hmac";
  if (signatures + hmacs < items.length) throw invalid(`some elements of batch_input are missing '${kind}'`);
  return kind;
}

function decodedInput({ input }: Item): Buffer {
  if (input === undefined) throw invalid("missing input");
  return decodeInput(input);
}

type VerifyInput = Parameters<typeof signatureOptions>[0] & { readonly name: string };

function check(storage: ReadStorage, input: VerifyInput, kind: "signature" | "hmac"): (item: Item) => boolean | Promise<boolean> {
  if (kind === "hmac") {
    const key = requireKey(storage, input.name, "encryption key");
    const hash = hashAlgorithm(namedHash(input));
    return (item) => verifyHmac(storage, key, decodedInput(item), item.hmac!, hash);
  }
  const options = signatureOptions(input);
  const key = requireKey(storage, input.name, "signature verification key");
  if (!capabilitiesOf(key.type).signing) throw invalid(`key type ${key.type} does not support verification`);
  return (item) => verify(storage, key, decodedInput(item), decodeBase64(item.context ?? ""), item.signature!, options);
}

/** The hash algorithm may stand in the path. */
export const verifyPaths = (["verify/{name}", "verify/{name}/{urlalgorithm}"] as const).map((template) =>
  definePath({
    template: template as "verify/{name}",
    help: { synopsis: "Verifies a signature or an HMAC of a named key.", description: "A wrong one is no error: the answer says whether it is valid. It is an error if it could not be one of this key's." },
    fields: {
      ...SIGNATURE_FIELDS,
      urlalgorithm: hashInPath(template),
      signature: field.string({ description: "What sign/ gave." }),
      hmac: field.string({ description: "What hmac/ gave." }),
    },
    operations: {
      update: {
        effect: "read",
        summary: "Verify a signature or an HMAC, or a batch of either.",
        handler({ input }, storage) {
          const batch = batchOf(input.batch_input, () => ({
            input: input.input,
            context: input.context,
            ...(input.signature !== undefined && { signature: input.signature }),
            ...(input.hmac !== undefined && { hmac: input.hmac }),
          }));
          const isValid = check(storage, input, kindOf(batch));
          return answerBatch(batch, (item) => {
            const valid = isValid(item);
            return valid instanceof Promise ? valid.then((judged) => ({ valid: judged })) : { valid };
          }, { onFailure: { valid: false } });
        },
      },
    },
  }),
);
