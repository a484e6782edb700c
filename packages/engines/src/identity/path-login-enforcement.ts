import { data, definePath, enforcements, field, getEnforcement, getEntity, getGroup, getMethod, invalid, keyList, listMounts, NO_CONTENT, putEnforcement, removeEnforcement } from "@coffer/state-machine";
import type { Enforcement, ReadStorage } from "@coffer/state-machine";

const NAME = field.string({ description: "Name of the enforcement.", required: true });

function body(one: Enforcement): Readonly<Record<string, unknown>> {
  return {
    auth_method_accessors: one.authMethodAccessors, auth_method_types: one.authMethodTypes, id: one.id, identity_entity_ids: one.entityIds,
    identity_group_ids: one.groupIds, mfa_method_ids: one.methodIds, name: one.name, namespace_id: "root", namespace_path: "",
  };
}

/** Throws RequestError 400 for what an enforcement cannot be about. */
function check(storage: ReadStorage, one: Enforcement): void {
  if (one.methodIds.length === 0) throw invalid("missing method ids");
  if (!one.methodIds.every((id) => getMethod(storage, id))) throw invalid("one of the provided method ids doesn't exist");
  const mounts = listMounts(storage, "auth");
  if (!one.authMethodAccessors.every((accessor) => mounts.some((mount) => mount.accessor === accessor))) throw invalid("one of the auth method accessors provided is invalid");
  if (!one.authMethodTypes.every((type) => mounts.some((mount) => mount.type === type))) throw invalid("one of the auth method types provided is invalid");
  if (!one.groupIds.every((id) => getGroup(storage, id))) throw invalid("one of the provided group ids doesn't exist");
  if (!one.entityIds.every((id) => getEntity(storage, id))) throw invalid("one of the provided entity ids doesn't exist");
  if ([one.authMethodAccessors, one.authMethodTypes, one.groupIds, one.entityIds].every((ids) => ids.length === 0)) throw invalid("One of auth_method_accessors, auth_method_types, identity_group_ids, identity_entity_ids must be specified");
}

export const loginEnforcementPath = definePath({
  template: "mfa/login-enforcement/{name}",
  help: { synopsis: "Creates, reads, changes or deletes a login enforcement.", description: "A login that falls under it needs one of its methods: by its mount, by the type of that, by its entity, or by a group of it." },
  fields: {
    name: NAME,
    mfa_method_ids: field.commaList({ description: "Ids of the methods; one of them is enough." }),
    auth_method_accessors: field.commaList({ description: "Accessors of auth mounts." }),
    auth_method_types: field.commaList({ description: "Types of auth mounts." }),
    identity_group_ids: field.commaList({ description: "Ids of groups, whose members' members count too." }),
    identity_entity_ids: field.commaList({ description: "Ids of entities." }),
  },
  operations: {
    read: {
      effect: "read", summary: "Read an enforcement.",
      handler: ({ input }, storage) => {
        const found = getEnforcement(storage, input.name);
        return found && data(body(found));
      },
    },
    update: {
      effect: "write", summary: "Create or change an enforcement.",
      handler: ({ input }, storage, { env }) => {
        const before = getEnforcement(storage, input.name);
        const changed: Enforcement = {
          id: before?.id ?? env.uuid(),
          name: input.name,
          methodIds: input.mfa_method_ids ?? before?.methodIds ?? [],
          authMethodAccessors: input.auth_method_accessors ?? before?.authMethodAccessors ?? [],
          authMethodTypes: input.auth_method_types ?? before?.authMethodTypes ?? [],
          groupIds: input.identity_group_ids ?? before?.groupIds ?? [],
          entityIds: input.identity_entity_ids ?? before?.entityIds ?? [],
        };
        check(storage, changed);
        putEnforcement(storage, changed);
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write", summary: "Delete an enforcement.",
      handler: ({ input }, storage) => {
        removeEnforcement(storage, input.name);
        return NO_CONTENT;
      },
    },
  },
});

export const loginEnforcementsPath = definePath({
  template: "mfa/login-enforcement",
  help: { synopsis: "Lists the login enforcements.", description: "With what they are about." },
  fields: {},
  operations: {
    list: {
      effect: "read", summary: "List the enforcements.",
      handler: (_request, storage) => {
        const all = Object.entries(enforcements(storage)).sort(([a], [b]) => (a < b ? -1 : 1));
        return keyList(all.map(([name]) => name), Object.fromEntries(all.map(([name, one]) => [name, body(one)])));
      },
    },
  },
});
