import { definePath, field } from "@coffer/state-machine";
import type { EnvelopeResponse } from "@coffer/state-machine";

/** 404 with a hint, in the words that Vault's command line looks for. */
function misplaced(path: string, verb: string): EnvelopeResponse {
  const isFolder = ["data", "metadata", "delete", "undelete", "destroy"].includes(path.replace(/\/$/, ""));
  const hint = isFolder
    ? "Non-listing operations on the root of a K/V v2 mount are not supported."
    : `Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. If using the Vault CLI, use 'vault kv ${verb}' for this operation.`;
  return { kind: "envelope", data: null, status: 404, warnings: [hint] };
}

/** Whoever asks as if this were version 1 is told where to look. */
export const misplacedPath = definePath({
  template: "{path...}",
  help: { synopsis: "Not a path of a versioned store.", description: "A versioned store keeps its secrets below data/. This answers those who look for them as in version 1." },
  fields: { path: field.string({ description: "Location of the secret in a version 1 store.", required: true }) },
  freeForm: true,
  operations: {
    read: { effect: "read", summary: "Tell where secrets are read.", handler: ({ path }) => misplaced(path, "get") },
    update: { effect: "read", summary: "Tell where secrets are written.", handler: ({ path }) => misplaced(path, "put") },
    patch: { effect: "read", summary: "Tell where secrets are patched.", handler: ({ path }) => misplaced(path, "patch") },
    delete: { effect: "read", summary: "Tell where secrets are deleted.", handler: ({ path }) => misplaced(path, "delete") },
    list: { effect: "read", summary: "Tell where secrets are listed.", handler: ({ path }) => misplaced(path, "list") },
    scan: { effect: "read", summary: "Tell where secrets are listed.", handler: ({ path }) => misplaced(path, "scan") },
  },
});
