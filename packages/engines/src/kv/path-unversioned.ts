import { data, definePath, documentCodec, field, invalid, keyList, NO_CONTENT } from "@coffer/state-machine";
import { parseDuration } from "@coffer/hcl";
import type { Engine } from "@coffer/state-machine";

const codec = documentCodec<Readonly<Record<string, unknown>>>();

/** Seconds a client may keep the secret: its own `ttl` or `lease`, else the mount's default. */
function leaseSeconds(secret: Readonly<Record<string, unknown>>, fallback: number): number {
  const asked = secret["ttl"] ?? secret["lease"];
  const seconds = typeof asked === "number" ? asked : typeof asked === "string" ? parseDuration(asked) : undefined;
  return seconds !== undefined && seconds > 0 ? Math.floor(seconds) : fallback;
}

const secrets = definePath({
  template: "{path...}",
  help: { synopsis: "Pass-through secret storage to the storage backend, allowing you to read/write arbitrary data into secret storage.", description: "The pass-through backend reads and writes arbitrary data into secret storage, encrypting it along the way." },
  fields: { path: field.string({ description: "Location of the secret.", required: true }) },
  freeForm: true,
  exists: ({ input }, storage) => storage.get(input.path, codec) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Retrieve the secret at the specified location.",
      handler({ input }, storage, mount) {
        const found = storage.get(input.path, codec);
        return found && data(found, { lease: { id: "", renewable: false, durationSeconds: leaseSeconds(found, mount.defaultLeaseTtlSeconds) } });
      },
    },
    update: {
      effect: "write",
      summary: "Store a secret at the specified location.",
      handler({ input, body }, storage) {
        if (Object.keys(body).length === 0) throw invalid("missing data fields");
        storage.put(input.path, codec, body);
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Deletes the secret at the specified location.",
      handler({ input }, storage) {
        storage.delete(input.path);
        return NO_CONTENT;
      },
    },
    list: { effect: "read", summary: "List secret names below the specified location.", handler: async ({ input }, storage) => keyList(await storage.list(input.path === "" ? "" : `${input.path}/`)) },
    scan: { effect: "read", summary: "List all secrets below the specified location.", handler: async ({ input }, storage) => keyList(await storage.keys(input.path === "" ? "" : `${input.path}/`)) },
  },
});

export const kvV1: Engine = { type: "kv", table: "secret", help: "The kv backend reads and writes arbitrary secrets to the storage.", paths: [secrets] };
