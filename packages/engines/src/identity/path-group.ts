import { createGroup, data, definePath, deleteGroup, field, getGroup, groupByName, GROUPS, invalid, keyList, membersOf, NO_CONTENT, updateGroup } from "@coffer/state-machine";
import type { Group, InputOf, Mount, Response, WriteStorage } from "@coffer/state-machine";
import { everyOf, listById } from "./listing.js";
import { groupBody } from "./views.js";

const FIELDS = {
  type: field.string({ description: "Kind of group: `internal` (the default), or `external`, whose members its auth mount tells at each login.", default: "" }),
  metadata: field.pairs({ description: "Key-value pairs kept with the group." }),
  policies: field.commaList({ description: "Policies of all members, also of members of member groups." }),
  member_entity_ids: field.commaList({ description: "Ids of the entities that are in it; replaces those that were." }),
  member_group_ids: field.commaList({ description: "Ids of the groups that are in it; replaces those that were." }),
};
const NAME = field.string({ description: "Name of the group; made up when empty.", default: "" });

async function upsert(storage: WriteStorage, found: Group | undefined, name: string, input: InputOf<typeof FIELDS>, { env }: Mount): Promise<Response> {
  const change = { name, type: input.type, metadata: input.metadata, policies: input.policies, memberEntityIds: input.member_entity_ids, memberGroupIds: input.member_group_ids };
  const group = found ? await updateGroup(storage, found, change, env) : await createGroup(storage, change, env);
  return data({ id: group.id, name: group.name });
}

function byId(storage: WriteStorage, id: string): Group {
  const group = getGroup(storage, id);
  if (!group) throw invalid("invalid group ID");
  return group;
}

async function remove(storage: WriteStorage, group: Group | undefined): Promise<Response> {
  if (group) await deleteGroup(storage, group);
  return NO_CONTENT;
}

export const groupPath = definePath({
  template: "group",
  help: { synopsis: "Creates or changes a group.", description: "By id, or else by name; a name that is not known yet makes a new group." },
  fields: { ...FIELDS, id: field.string({ description: "Id of the group to change.", default: "" }), name: NAME },
  operations: {
    update: { effect: "write", summary: "Create or change a group.", handler: ({ input }, storage, mount) => upsert(storage, input.id === "" ? groupByName(storage, input.name) : byId(storage, input.id), input.name, input, mount) },
  },
});

export const groupByIdPath = definePath({
  template: "group/id/{id}",
  help: { synopsis: "Reads, changes or deletes a group by its id.", description: "Its members lose its policies with it." },
  fields: { ...FIELDS, id: field.string({ description: "Id of the group.", required: true }), name: NAME },
  operations: {
    read: {
      effect: "read", summary: "Read a group.",
      handler: async ({ input }, storage) => {
        const group = getGroup(storage, input.id);
        return group && data(await groupBody(storage, group));
      },
    },
    update: { effect: "write", summary: "Change a group.", handler: ({ input }, storage, mount) => upsert(storage, byId(storage, input.id), input.name, input, mount) },
    delete: { effect: "write", summary: "Delete a group.", handler: ({ input }, storage) => remove(storage, getGroup(storage, input.id)) },
  },
});

export const groupByNamePath = definePath({
  template: "group/name/{name...}",
  help: { synopsis: "Reads, creates, changes or deletes a group by its name.", description: "Names are the same in upper and lower case." },
  fields: { ...FIELDS, name: field.string({ description: "Name of the group.", required: true }) },
  operations: {
    read: {
      effect: "read", summary: "Read a group.",
      handler: async ({ input }, storage) => {
        const group = groupByName(storage, input.name);
        return group && data(await groupBody(storage, group));
      },
    },
    update: { effect: "write", summary: "Create or change a group.", handler: ({ input }, storage, mount) => upsert(storage, groupByName(storage, input.name), input.name, input, mount) },
    delete: { effect: "write", summary: "Delete a group.", handler: ({ input }, storage) => remove(storage, groupByName(storage, input.name)) },
  },
});

export const groupIdsPath = definePath({
  template: "group/id",
  help: { synopsis: "Lists groups by id.", description: "With their names, and how many entities and groups are next to them." },
  fields: {},
  operations: {
    list: {
      effect: "read", summary: "List groups by id.",
      handler: (_request, storage) => listById(storage, GROUPS, getGroup, async ({ id, name, parentGroupIds }) => ({ name, num_member_entities: (await membersOf(storage, id)).length, num_parent_groups: parentGroupIds.length })),
    },
  },
});

export const groupNamesPath = definePath({
  template: "group/name",
  help: { synopsis: "Lists groups by name.", description: "Names of all groups, sorted." },
  fields: {},
  operations: {
    list: { effect: "read", summary: "List groups by name.", handler: async (_request, storage) => keyList((await everyOf(storage, GROUPS, getGroup)).map(([, { name }]) => name).sort()) },
  },
});
