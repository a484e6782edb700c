import { data, definePath, field, keyList, NO_CONTENT } from "@coffer/state-machine";
import { mapKey } from "./map-key.js";
import { deleteMapping, getMapping, mapFolder, putMapping } from "./storage.js";
import type { MapName } from "./storage.js";

/** The paths of one map: teams to policies, users to policies. */
function pathsOf(map: MapName) {
  const list = definePath({
    template: `map/${map}`,
    help: { synopsis: `Lists the ${map} that have policies.`, description: "Only their names." },
    fields: {},
    operations: {
      read: { effect: "read", summary: "List the names, for those who read instead of listing.", handler: async (_request, storage) => keyList(await storage.list(mapFolder(map))) },
      list: { effect: "read", summary: "List the names.", handler: async (_request, storage) => keyList(await storage.list(mapFolder(map))) },
    },
  });
  const one = definePath({
    template: `map/${map}/{key}`,
    help: { synopsis: `Writes, reads and deletes the policies of one of the ${map}.`, description: "Case does not matter. What is said of `default` goes for all." },
    fields: {
      key: mapKey({ description: map === "teams" ? "Name or slug of the team." : "Login of the user.", required: true }),
      value: field.string({ description: "Policies, comma-separated.", default: "" }),
    },
    exists: ({ input }, storage) => getMapping(storage, map, input.key) !== undefined,
    operations: {
      read: {
        effect: "read",
        summary: "Read the policies.",
        handler({ input }, storage) {
          const mapping = getMapping(storage, map, input.key);
          return mapping && data({ key: mapping.key, value: mapping.value });
        },
      },
      update: {
        effect: "write",
        summary: "Write the policies.",
        handler({ input }, storage) {
          putMapping(storage, map, { key: input.key, value: input.value });
          return NO_CONTENT;
        },
      },
      delete: {
        effect: "write",
        summary: "Delete the policies.",
        handler({ input }, storage) {
          deleteMapping(storage, map, input.key);
          return NO_CONTENT;
        },
      },
    },
  });
  return [list, one];
}

export const mapPaths = [...pathsOf("teams"), ...pathsOf("users")];
