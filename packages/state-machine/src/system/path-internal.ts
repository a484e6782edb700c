import { RequestError, denied } from "../errors.js";
import { data, field, plain } from "../framework/index.js";
import type { Caller, EngineRequest, Mount, MountEntry, ReadStorage } from "../framework/index.js";
import { ENTITIES } from "../identity/index.js";
import { systemPath, withSlash } from "./define.js";
import type { SystemPath } from "./define.js";
import { mountBody } from "./path-mounts.js";
import type { SystemServices } from "./services.js";

const fullPathOf = (entry: MountEntry) => (entry.table === "auth" ? "auth/" : "") + entry.path;

/** Without a token only mounts that ask to be listed are shown, and only what a login page needs of them. */
async function visibleMounts(table: MountEntry["table"], caller: Caller | undefined, storage: ReadStorage, { services: { rooms, node } }: Mount<SystemServices>) {
  const shown: [string, Record<string, unknown>][] = [];
  for (const entry of await rooms.mounts.list(storage, table)) {
    if (entry.tainted) continue;
    if (caller && (await rooms.access.mayReach(storage, caller, fullPathOf(entry)))) shown.push([entry.path, mountBody(entry, node.version)]);
    else if (entry.config.listing_visibility === "unauth") shown.push([entry.path, { type: entry.type, description: entry.description, options: entry.options }]);
  }
  return Object.fromEntries(shown);
}

const refused = (path: string) =>
  new RequestError("permission_denied", `preflight capability check returned 403, please ensure client's policies grant access to path ${JSON.stringify(withSlash(path))}`);

async function openapi({ input, caller }: EngineRequest<{ readonly generic_mount_paths: boolean }>, storage: ReadStorage, { services }: Mount<SystemServices>) {
  return plain(await services.rooms.openapi(storage, caller, input.generic_mount_paths));
}

export const internalPaths: readonly SystemPath[] = [
  systemPath({
    template: "internal/ui/mounts",
    help: { synopsis: "Lists the mounts that the caller can see.", description: "Without a token: those that are listed for everyone." },
    fields: {},
    operations: {
      read: {
        summary: "Lists the mounts that the caller can see.", effect: "read", access: "none",
        handler: async ({ caller, ownToken }, storage, mount) => {
          if (!caller && ownToken !== undefined) throw denied(); // one that is no good is not the same as none
          return data({ auth: await visibleMounts("auth", caller, storage, mount), secret: await visibleMounts("secret", caller, storage, mount) });
        },
      },
    },
  }),
  systemPath({
    template: "internal/ui/mounts/{path...}",
    help: { synopsis: "Describes the mount that a path belongs to.", description: "Asked by clients before they use a path, to learn the version of kv." },
    fields: { path: field.string({ description: "A path below the mount.", required: true }) },
    operations: {
      read: {
        summary: "Describes the mount that a path belongs to.", effect: "read", access: "none",
        handler: async ({ input, caller }, storage, { services: { rooms, node } }) => {
          if (!caller) throw denied();
          // One text whether the mount is missing or out of reach, so that nobody learns which.
          const entry = await rooms.mounts.owner(storage, withSlash(input.path));
          if (!entry || entry.tainted || !(await rooms.access.mayReach(storage, caller, fullPathOf(entry)))) throw refused(input.path);
          return data({ ...mountBody(entry, node.version), path: entry.path });
        },
      },
    },
  }),
  systemPath({
    template: "internal/ui/resultant-acl",
    help: { synopsis: "Shows the caller's rules.", description: "All policies of the caller, merged." },
    fields: {},
    operations: {
      read: {
        summary: "Shows the caller's rules.", effect: "read",
        handler: async ({ caller }, storage, { services }) => {
          if (!caller) throw denied();
          return data(await services.rooms.access.resultant(storage, caller));
        },
      },
    },
  }),
  systemPath({
    template: "internal/ui/namespaces",
    help: { synopsis: "Lists the namespaces that the caller can see.", description: "There are none but the root namespace, which has no name." },
    fields: {},
    operations: { read: { summary: "Lists the namespaces.", effect: "read", handler: () => data({}) } },
  }),
  systemPath({
    template: "internal/ui/feature-flags",
    help: { synopsis: "Lists the feature flags of the web UI.", description: "There are none." },
    fields: {},
    operations: { read: { summary: "Lists the feature flags.", effect: "read", handler: () => plain({ feature_flags: [] }) } },
  }),
  systemPath({
    template: "internal/counters/entities",
    help: { synopsis: "Counts the entities.", description: "All that there are now, disabled ones included." },
    fields: {},
    operations: { read: { summary: "Counts the entities.", effect: "read", handler: async (_request, storage) => data({ counters: { entities: { total: (await storage.list(ENTITIES)).length } } }) } },
  }),
  systemPath({
    template: "internal/specs/openapi",
    help: { synopsis: "Gives the OpenAPI document.", description: "Of the mounts that the caller can see." },
    fields: {
      generic_mount_paths: field.bool({ description: "Names mounts by a parameter.", query: true, default: false }),
      context: field.string({ description: "Kept for compatibility.", query: true, default: "" }),
    },
    operations: {
      read: { summary: "Gives the OpenAPI document.", effect: "read", access: "none", handler: openapi },
      update: { summary: "Gives the OpenAPI document, with parameters from the body.", effect: "read", access: "none", handler: openapi },
    },
  }),
];
