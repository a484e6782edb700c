import { data, definePath, keyList, NO_CONTENT, pageFields } from "@coffer/state-machine";
import { roleName } from "./name.js";
import { ROLE_SETTINGS, toRole } from "./role-input.js";
import { deleteRole, getRole, putRole, putZeroAddressRoles, ROLES, zeroAddressRoles } from "./storage.js";
import type { Role } from "./storage.js";

export const rolesPath = definePath({
  template: "roles",
  help: { synopsis: "Lists roles.", description: "By their names, with what they hand out." },
  fields: pageFields(),
  operations: {
    list: {
      effect: "read",
      summary: "List roles.",
      async handler({ input }, storage) {
        const names = await storage.list(ROLES, input);
        const info = (role: Role | undefined) => ({ key_type: role?.key_type, ...(role?.key_type === "ca" && { issuer_ref: role.issuer_ref }) });
        return keyList(names, Object.fromEntries(names.map((name) => [name, info(getRole(storage, name))])));
      },
    },
  },
});

export const rolePath = definePath({
  template: "roles/{role}",
  help: { synopsis: "Reads and writes a role.", description: "A role says what certificates are signed, or for which hosts and users there are one-time passwords. A write sets what it does not name to its default." },
  fields: { role: roleName({ description: "Name of the role.", required: true }), ...ROLE_SETTINGS },
  exists: ({ input }, storage) => getRole(storage, input.role) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a role.",
      handler({ input }, storage) {
        const role = getRole(storage, input.role);
        return role && data({ ...role });
      },
    },
    update: {
      effect: "write",
      summary: "Write a role.",
      handler({ input: { role: name, ...settings } }, storage) {
        putRole(storage, name, toRole(settings));
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Delete a role. What it signed stays valid.",
      handler({ input }, storage) {
        const open = zeroAddressRoles(storage);
        if (open?.includes(input.role)) putZeroAddressRoles(storage, open.filter((name) => name !== input.role));
        deleteRole(storage, input.role);
        return NO_CONTENT;
      },
    },
  },
});
