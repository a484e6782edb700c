import { data, definePath, field, keyList, NO_CONTENT, pageFields, shownTokens } from "@coffer/state-machine";
import { roleFields, roleFrom } from "./role-input.js";
import { deleteRole, getRole, putRole, ROLE_FOLDER } from "./storage.js";

export const rolesPath = definePath({
  template: "role",
  help: { synopsis: "Lists the roles.", description: "Only their names." },
  fields: pageFields(),
  operations: {
    list: {
      effect: "read",
      summary: "List the roles.",
      handler: async ({ input }, storage) => keyList(await storage.list(ROLE_FOLDER, input)),
    },
  },
});

export const rolePath = definePath({
  template: "role/{name}",
  help: { synopsis: "Writes, reads and deletes roles.", description: "A role says which tokens let their bearer in, and what the login hands out." },
  fields: { name: field.name({ description: "Name of the role. Case does not matter.", required: true }), ...roleFields },
  exists: ({ input }, storage) => getRole(storage, input.name) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a role.",
      handler({ input }, storage) {
        const role = getRole(storage, input.name);
        if (!role) return undefined;
        const { tokens, ...shown } = role;
        return data({ ...shown, ...shownTokens(tokens) });
      },
    },
    update: {
      effect: "write",
      summary: "Write a role. What is not given stays as it is; except role_type and bound_claims_type, which go back to their defaults.",
      handler({ input }, storage, mount) {
        const role = roleFrom(input, getRole(storage, input.name), mount);
        putRole(storage, input.name, role);
        const isLonger = role.tokens.parameters.token_max_ttl > mount.maxLeaseTtlSeconds;
        return isLonger ? { ...NO_CONTENT, warnings: ["token max ttl is greater than the system or backend mount's maximum TTL value; issued tokens' max TTL value will be truncated"] } : NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Delete a role. Tokens that it gave out live on, but are not renewed.",
      handler({ input }, storage) {
        deleteRole(storage, input.name);
        return NO_CONTENT;
      },
    },
  },
});
