import { data, definePath, field, goDuration, invalid } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { stepAt, totpOf, useCode } from "./codes.js";
import { nameWithAt } from "./name.js";
import { getKey } from "./storage.js";
import type { TotpKey } from "./storage.js";

const MS = 1000;

/** Throws RequestError 400. */
function requireKey(storage: ReadStorage, name: string): TotpKey {
  const key = getKey(storage, name);
  if (!key) throw invalid(`unknown key: ${name}`);
  return key;
}

export const codePath = definePath({
  template: "code/{name}",
  help: { synopsis: "Gives the code of now, or validates one.", description: "A code that was found valid is not valid again, on whichever node." },
  fields: {
    name: nameWithAt({ description: "Name of the key.", required: true }),
    code: field.string({ description: "The code to validate.", default: "", sensitive: true }),
  },
  operations: {
    read: {
      effect: "read",
      summary: "Give the code of now.",
      handler({ input }, storage, { env }) {
        const key = requireKey(storage, input.name);
        const now = env.now();
        return data({
          code: totpOf(key).generate({ timestamp: now }),
          generated: Math.floor(now / MS),
          expire_time: (stepAt(key, now) + 1) * key.period,
          period: goDuration(key.period),
        });
      },
    },
    update: {
      effect: "write",
      summary: "Validate a code.",
      handler({ input }, storage, { env }) {
        const key = requireKey(storage, input.name);
        if (input.code === "") throw invalid("the code value is required");
        if (input.code.length !== key.digits || input.code.trim() !== input.code) throw invalid("invalid number of digits for the code");
        return data({ valid: useCode(storage, input.name, key, input.code, env.now()) });
      },
    },
  },
});
