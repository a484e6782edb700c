import { NO_CONTENT, data, field } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";

const ACCESSOR = { description: "Accessor of the auth mount." };

/** Users that are locked out after failed logins. */
export const lockoutPaths: readonly SystemPath[] = [
  systemPath({
    template: "locked-users",
    help: { synopsis: "Lists users that are locked out.", description: "By auth mount, those with most of them first." },
    fields: { mount_accessor: field.string({ ...ACCESSOR, query: true }) },
    operations: {
      read: {
        summary: "Lists locked users.", effect: "read",
        handler: async ({ input }, storage, { services }) => {
          const locked = [...(await services.rooms.lockouts.list(storage, input.mount_accessor || undefined))];
          const mounts = locked.map(([mount_accessor, aliases]) => ({ mount_accessor, counts: aliases.length, alias_identifiers: aliases })).sort((a, b) => b.counts - a.counts);
          const counts = mounts.reduce((sum, mount) => sum + mount.counts, 0);
          return data({ by_namespace: [{ namespace_id: "root", namespace_path: "", counts, mount_accessors: mounts }], total: counts });
        },
      },
    },
  }),
  systemPath({
    template: "locked-users/{mount_accessor}/unlock/{alias_identifier...}",
    help: { synopsis: "Unlocks one user.", description: "Its failed logins are forgotten. The name is the user's, or the role id of an AppRole." },
    fields: { mount_accessor: field.string({ ...ACCESSOR, required: true }), alias_identifier: field.string({ description: "Name of the user's alias.", required: true }) },
    operations: {
      update: {
        summary: "Unlocks one user.", effect: "write",
        handler: async ({ input }, storage, { services }) => {
          await services.rooms.lockouts.unlock(storage, input.mount_accessor, input.alias_identifier);
          return NO_CONTENT;
        },
      },
    },
  }),
];
