import { data, definePath, invalid, keyList, NO_CONTENT, pageFields, RequestError, roleTokens } from "@coffer/state-machine";
import type { EnvelopeResponse, Mount, ReadStorage, WriteStorage } from "@coffer/state-machine";
import { ROLE_DEFAULTS, ROLE_NAME, changeRole, roleFields, shownRole } from "./role.js";
import type { Role, RoleInput } from "./role.js";
import { getRole, listRoles, putRole, removeRole } from "./storage.js";

const UNSUPPORTED_PATH = "1 error occurred:\n\t* unsupported path\n\n";

/** Throws RequestError 404: what hangs on a role can only be written where there is one. */
export function roleToWrite(storage: ReadStorage, name: string): Role {
  const role = getRole(storage, name);
  if (!role) throw new RequestError("not_found", UNSUPPORTED_PATH);
  return role;
}

/** Throws RequestError 400. */
export function existingRole(storage: ReadStorage, name: string): Role {
  const role = getRole(storage, name);
  if (!role) throw invalid(`role ${JSON.stringify(name)} does not exist`);
  return role;
}

/** Throws RequestError 400. An answer with warnings, or 204. */
export function writeRole(storage: WriteStorage, before: Role, input: RoleInput, isNew: boolean, { env, maxLeaseTtlSeconds }: Mount): EnvelopeResponse {
  const { role, warnings } = changeRole(before, input, isNew, maxLeaseTtlSeconds);
  if (!putRole(storage, role, env)) throw invalid("role_id already in use");
  return { ...NO_CONTENT, warnings };
}

export const rolesPath = definePath({
  template: "role",
  help: { synopsis: "Lists roles.", description: "By name." },
  fields: pageFields(),
  operations: {
    list: {
      effect: "read",
      summary: "List roles.",
      handler: async ({ input }, storage) => keyList(await listRoles(storage, input)),
    },
  },
});

export const rolePath = definePath({
  template: "role/{role_name}",
  help: {
    synopsis: "Makes, shows, changes or deletes a role.",
    description: "A role stands for one kind of machine: it says which tokens a login gives, and what a login has to show. Deleting one takes its secret ids with it; tokens stay until they end.",
  },
  fields: { role_name: ROLE_NAME, ...roleFields },
  exists: ({ input }, storage) => getRole(storage, input.role_name) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a role.",
      handler: ({ input }, storage) => {
        const role = getRole(storage, input.role_name);
        return role && data(shownRole(role));
      },
    },
    update: {
      effect: "write",
      summary: "Make or change a role.",
      handler: ({ input: { role_name: name, ...input } }, storage, mount) => {
        const before = getRole(storage, name);
        const { env } = mount;
        const fresh = (): Role => ({ name: name.toLowerCase(), uuid: env.uuid(), settings: { ...ROLE_DEFAULTS, role_id: env.uuid() }, tokens: roleTokens({}) });
        return writeRole(storage, before ?? fresh(), input, before === undefined, mount);
      },
    },
    delete: {
      effect: "write",
      summary: "Delete a role and its secret ids.",
      handler: ({ input }, storage) => {
        const role = getRole(storage, input.role_name);
        if (role) removeRole(storage, role);
        return NO_CONTENT;
      },
    },
  },
});
