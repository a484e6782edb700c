import { definePath, HASH_FIELDS, hashAnswer, invalid, RANDOM_FIELDS, randomAnswer } from "@coffer/state-machine";
import { hashInPath, inPathOrNot } from "./crypto-fields.js";

/** Number of bytes and source may stand in the path. */
export const randomPaths = (["random", "random/{urlbytes}", "random/{urlbytes}/{urlcount}"] as const).map((template) =>
  definePath({
    template: template as "random",
    help: { synopsis: "Gives random bytes.", description: "From the same source as keys and tokens." },
    fields: {
      ...RANDOM_FIELDS,
      urlbytes: inPathOrNot(template, "urlbytes", "Number of bytes, or a source, in the path."),
      urlcount: inPathOrNot(template, "urlcount", "Number of bytes, after the source in the path."),
    },
    operations: { update: { effect: "read", summary: "Give random bytes.", handler: ({ input }, _storage, { env }) => randomAnswer(input, env) } },
  }),
);

/** The hash algorithm may stand in the path. */
export const hashPaths = (["hash", "hash/{urlalgorithm}"] as const).map((template) =>
  definePath({
    template: template as "hash",
    help: { synopsis: "Hashes a value.", description: "With a function of the SHA-2 or SHA-3 family. No key is involved." },
    fields: { ...HASH_FIELDS, urlalgorithm: hashInPath(template) },
    operations: {
      update: {
        effect: "read",
        summary: "Hash a value.",
        handler({ input, given }) {
          if (!given("input")) throw invalid("input missing");
          return hashAnswer(input);
        },
      },
    },
  }),
);
