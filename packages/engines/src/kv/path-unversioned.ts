import { data, definePath, field, invalid, keyList, NO_CONTENT, pageFields } from "@coffer/state-machine";
import { parseDuration } from "@coffer/hcl";
import { QUERY_FIELD, scanAnswer, scanKeys } from "./scan.js";
import { deleteUnversioned, getUnversioned, putUnversioned, unversionedFolder } from "./unversioned.js";

/** Seconds after which a client should read again: the secret's own `ttl` or `lease`, else the mount's default. */
function leaseSeconds(secret: Readonly<Record<string, unknown>>, fallback: number): number {
  const asked = Object.hasOwn(secret, "ttl") ? secret["ttl"] : secret["lease"];
  const seconds = typeof asked === "number" ? asked : typeof asked === "string" ? parseDuration(asked) : undefined;
  return seconds === undefined || seconds < 0 ? fallback : Math.floor(seconds);
}

/** Version 1 of kv is this one path: what is written is what is read. */
export const unversionedPath = definePath({
  template: "{path...}",
  help: {
    synopsis: "Reads and writes secrets as they are.",
    description: "Whatever is written below a path is stored there and replaces what was. A `ttl` in a secret tells its readers how long they may keep it; the secret itself never expires.",
  },
  fields: { path: field.string({ description: "Location of the secret, or of the folder to list.", required: true }), ...pageFields(), ...QUERY_FIELD },
  freeForm: true,
  exists: ({ input }, storage) => getUnversioned(storage, input.path) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a secret.",
      handler({ input }, storage, mount) {
        const found = getUnversioned(storage, input.path);
        return found && data(found, { lease: { id: "", renewable: false, durationSeconds: leaseSeconds(found, mount.defaultLeaseTtlSeconds) } });
      },
    },
    update: {
      effect: "write",
      summary: "Write a secret.",
      handler({ input, body }, storage) {
        if (Object.keys(body).length === 0) throw invalid("missing data fields");
        putUnversioned(storage, input.path, body);
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Delete a secret.",
      handler({ input }, storage) {
        deleteUnversioned(storage, input.path);
        return NO_CONTENT;
      },
    },
    list: { effect: "read", summary: "List the names below a path; folders end in a slash.", handler: async ({ input }, storage) => keyList(await storage.list(unversionedFolder(input.path), input)) },
    scan: {
      effect: "read",
      summary: "List the names below a path and all of its folders, or those that a query describes.",
      handler: async ({ input }, storage, mount) => scanAnswer(await scanKeys(storage, { folder: unversionedFolder(input.path), room: "" }, input, mount), input.limit),
    },
  },
});
