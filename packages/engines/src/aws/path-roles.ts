import { data, definePath, field, keyList, NO_CONTENT, pageFields } from "@coffer/state-machine";
import { ROLE_SETTINGS, toRole } from "./role-input.js";
import { deleteRole, getRole, putRole, ROLES } from "./storage.js";

export const rolesPath = definePath({
  template: "roles",
  help: { synopsis: "Lists roles.", description: "By their names." },
  fields: pageFields(),
  operations: {
    list: { effect: "read", summary: "List roles.", handler: async ({ input }, storage) => keyList(await storage.list(ROLES, input)) },
  },
});

export const rolePath = definePath({
  template: "roles/{name}",
  help: { synopsis: "Reads and writes a role.", description: "A role says what kind of credentials are handed out, and what they may do. A write leaves alone what it does not name." },
  fields: { name: field.name({ description: "Name of the role.", required: true }), ...ROLE_SETTINGS },
  exists: ({ input }, storage) => getRole(storage, input.name) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a role.",
      handler({ input }, storage) {
        const role = getRole(storage, input.name);
        if (!role) return undefined;
        const { credential_types, ...shown } = role;
        return data({ credential_type: credential_types.join(","), ...shown });
      },
    },
    update: {
      effect: "write",
      summary: "Write a role.",
      handler({ input: { name, ...settings } }, storage) {
        putRole(storage, name, toRole(settings, getRole(storage, name)));
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Delete a role. Credentials that it gave live until their leases end.",
      handler({ input }, storage) {
        deleteRole(storage, input.name);
        return NO_CONTENT;
      },
    },
  },
});
