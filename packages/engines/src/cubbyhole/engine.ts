import { data, definePath, documentCodec, field, invalid, keyList, NO_CONTENT } from "@coffer/state-machine";
import type { Engine, EngineRequest } from "@coffer/state-machine";

const codec = documentCodec<Readonly<Record<string, unknown>>>();

/** Each token's own corner; it goes with the token. */
function keyOf(request: EngineRequest<{ readonly path: string }>): string {
  if (!request.caller) throw invalid("cubbyhole needs a token");
  return `${request.caller.tokenId}/${request.input.path}`;
}

const secrets = definePath({
  template: "{path...}",
  help: { synopsis: "Pass-through secret storage to a token-specific cubbyhole.", description: "Everything below is readable and writable by one token only, and is deleted when the token is revoked or expires." },
  fields: { path: field.string({ description: "Specifies the path of the secret.", required: true }) },
  freeForm: true,
  exists: (request, storage) => storage.get(keyOf(request), codec) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Retrieve the secret at the specified location.",
      handler(request, storage) {
        const found = storage.get(keyOf(request), codec);
        return found && data(found);
      },
    },
    update: {
      effect: "write",
      summary: "Store a secret at the specified location.",
      handler(request, storage) {
        if (Object.keys(request.body).length === 0) throw invalid("missing data fields");
        storage.put(keyOf(request), codec, request.body);
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Deletes the secret at the specified location.",
      handler(request, storage) {
        storage.delete(keyOf(request));
        return NO_CONTENT;
      },
    },
    list: {
      effect: "read",
      summary: "List secret entries at the specified location.",
      async handler(request, storage) {
        const key = keyOf(request);
        return keyList(await storage.list(key.endsWith("/") ? key : `${key}/`));
      },
    },
  },
});

export const cubbyhole: Engine = {
  type: "cubbyhole",
  table: "secret",
  help: "The cubbyhole backend is used to write arbitrary secrets that only the token that wrote them can read.",
  paths: [secrets],
};
