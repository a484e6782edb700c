import { data, definePath, dropGroupAlias, field, GROUP_ALIASES, groupByAliasId, mountNames, NO_CONTENT, putGroupAlias } from "@coffer/state-machine";
import type { InputOf, Mount, Response, WriteStorage } from "@coffer/state-machine";
import { listById } from "./listing.js";
import { aliasInfo, groupAliasBody } from "./views.js";

const FIELDS = {
  name: field.string({ description: "What the auth mount calls the group.", default: "" }),
  mount_accessor: field.string({ description: "Accessor of the auth mount.", default: "" }),
  canonical_id: field.string({ description: "Id of the external group; a new one is made when empty.", default: "" }),
};

async function upsert(storage: WriteStorage, id: string, input: InputOf<typeof FIELDS>, { env }: Mount): Promise<Response> {
  const group = await putGroupAlias(storage, { id, name: input.name, mountAccessor: input.mount_accessor, canonicalId: input.canonical_id }, env);
  return data({ canonical_id: group.id, id: group.alias!.id });
}

export const groupAliasPath = definePath({
  template: "group-alias",
  help: { synopsis: "Creates or changes the alias of an external group.", description: "Whoever logs in by that mount, and is said to be in the group of this name, is in the external group from then on." },
  fields: { ...FIELDS, id: field.string({ description: "Id of the alias to change.", default: "" }) },
  operations: { update: { effect: "write", summary: "Create or change a group alias.", handler: ({ input }, storage, mount) => upsert(storage, input.id, input, mount) } },
});

export const groupAliasByIdPath = definePath({
  template: "group-alias/id/{id}",
  help: { synopsis: "Reads, changes or deletes a group alias by its id.", description: "The group stays when its alias goes." },
  fields: { ...FIELDS, id: field.string({ description: "Id of the alias.", required: true }) },
  operations: {
    read: {
      effect: "read", summary: "Read a group alias.",
      handler: ({ input }, storage) => {
        const group = groupByAliasId(storage, input.id);
        return group?.alias ? data({ ...groupAliasBody(group.alias, group.id, mountNames(storage)), custom_metadata: null, local: false, namespace_id: "root" }) : undefined;
      },
    },
    update: { effect: "write", summary: "Change a group alias.", handler: ({ input }, storage, mount) => upsert(storage, input.id, input, mount) },
    delete: {
      effect: "write", summary: "Delete a group alias.",
      handler: ({ input }, storage, { env }) => {
        const group = groupByAliasId(storage, input.id);
        if (group) dropGroupAlias(storage, group, env);
        return NO_CONTENT;
      },
    },
  },
});

export const groupAliasIdsPath = definePath({
  template: "group-alias/id",
  help: { synopsis: "Lists group aliases by id.", description: "With their names and mounts." },
  fields: {},
  operations: {
    list: {
      effect: "read", summary: "List group aliases by id.",
      handler: (_request, storage) => {
        const mounts = mountNames(storage);
        return listById(storage, GROUP_ALIASES, groupByAliasId, (group) => aliasInfo(group.alias!, group.id, mounts));
      },
    },
  },
});
