import { data, definePath, denied, documentCodec, field, invalid, keyList, NO_CONTENT } from "@coffer/state-machine";
import type { EngineRequest } from "@coffer/state-machine";

/**
 * Keys: `<token's storage id>/<path>`. The worker of the active node clears a token's folder after the token is gone.
 */
const codec = documentCodec<Readonly<Record<string, unknown>>>();

/** The caller's own corner of the storage; empty path: its folder. */
function keyOf({ caller, input }: EngineRequest<{ readonly path: string }>): string {
  if (!caller) throw denied();
  if (caller.tokenType === "batch") throw invalid("cubbyhole operations are only supported by 'service' type tokens");
  return `${caller.tokenId}/${input.path}`;
}

function folderOf(request: EngineRequest<{ readonly path: string }>): string {
  const key = keyOf(request);
  return key.endsWith("/") ? key : `${key}/`;
}

export const cubbyholePath = definePath({
  template: "{path...}",
  help: { synopsis: "Reads and writes secrets of the calling token.", description: "Other tokens, root too, see their own cubbyhole at the same paths. Everything in it is deleted when the token expires or is revoked." },
  fields: { path: field.string({ description: "Location of the secret.", required: true }) },
  freeForm: true,
  // Asked before the ACL decides, so perhaps without a caller: then there is nothing, and the request is denied.
  exists: (request, storage) => request.caller !== undefined && storage.get(keyOf(request), codec) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a secret of the calling token.",
      handler(request, storage) {
        const found = storage.get(keyOf(request), codec);
        return found && data(found);
      },
    },
    update: {
      effect: "write",
      summary: "Write a secret of the calling token.",
      handler(request, storage) {
        if (Object.keys(request.body).length === 0) throw invalid("missing data fields");
        storage.put(keyOf(request), codec, request.body);
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Delete a secret of the calling token.",
      handler(request, storage) {
        storage.delete(keyOf(request));
        return NO_CONTENT;
      },
    },
    list: { effect: "read", summary: "List the names below a path; folders end in a slash.", handler: async (request, storage) => keyList(await storage.list(folderOf(request))) },
  },
});
