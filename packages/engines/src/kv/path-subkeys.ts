import { definePath, field, invalid, isPlainObject } from "@coffer/state-machine";
import type { Secret } from "./storage.js";
import { versionAnswer } from "./version-answer.js";

/** The keys of a secret; null stands for every value, for empty maps, and for whatever lies deeper than `depth` levels. */
function keysOnly(secret: Secret, depth: number): Record<string, unknown> {
  const keysBelow = (value: unknown) => (isPlainObject(value) && Object.keys(value).length > 0 && depth > 1 ? keysOnly(value, depth - 1) : null);
  return Object.fromEntries(Object.entries(secret).map(([key, value]) => [key, keysBelow(value)]));
}

export const subkeysPath = definePath({
  template: "subkeys/{path...}",
  help: { synopsis: "Reads the keys of a secret without its values.", description: "Shows what a secret is made of to those who may not see what is in it: every value is null." },
  fields: {
    path: field.string({ description: "Location of the secret.", required: true }),
    version: field.int({ description: "The version to read; 0 means the newest.", query: true, default: 0 }),
    depth: field.int({ description: "How many levels of keys are shown; 0 means all.", query: true, default: 0 }),
  },
  operations: {
    read: {
      effect: "read",
      summary: "Read the keys of a secret without its values.",
      handler({ input }, storage, { env }) {
        if (input.depth < 0) throw invalid("depth cannot be negative");
        const depth = input.depth === 0 ? Infinity : input.depth;
        return versionAnswer(storage, input.path, input.version, "subkeys", (secret) => keysOnly(secret, depth), env);
      },
    },
  },
});
