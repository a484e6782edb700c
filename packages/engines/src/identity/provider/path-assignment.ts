import { data, definePath, field, invalid, keyList, NO_CONTENT } from "@coffer/state-machine";
import { ALLOW_ALL, ASSIGNMENTS, getAssignment, putAssignment } from "./assignment.js";
import { everyClient } from "./client.js";

const unique = (ids: readonly string[]) => [...new Set(ids.map((id) => id.toLowerCase()))].sort();

export const assignmentsPath = definePath({
  template: "oidc/assignment",
  help: { synopsis: "Lists the assignments.", description: "One called allow_all is there always: it lets everybody in who has an entity." },
  fields: {},
  operations: { list: { effect: "read", summary: "List the assignments.", handler: async (_request, storage) => keyList([...(await storage.list(ASSIGNMENTS)), ALLOW_ALL.name].sort()) } },
});

export const assignmentPath = definePath({
  template: "oidc/assignment/{name}",
  help: { synopsis: "Creates, reads, changes or deletes an assignment.", description: "It says which entities, and members of which groups, may log in to the clients that name it." },
  fields: {
    name: field.name({ description: "Name of the assignment.", required: true }),
    entity_ids: field.commaList({ description: "Ids of entities." }),
    group_ids: field.commaList({ description: "Ids of groups; members of groups in them count too." }),
  },
  exists: ({ input }, storage) => getAssignment(storage, input.name) !== undefined,
  operations: {
    read: {
      effect: "read", summary: "Read an assignment.",
      handler: ({ input }, storage) => {
        const found = getAssignment(storage, input.name);
        return found && data({ entity_ids: found.entityIds, group_ids: found.groupIds });
      },
    },
    update: {
      effect: "write", summary: "Create or change an assignment.",
      handler: ({ input }, storage) => {
        if (input.name === ALLOW_ALL.name) throw invalid(`modification of assignment ${JSON.stringify(input.name)} not allowed`);
        const before = getAssignment(storage, input.name);
        putAssignment(storage, { name: input.name, entityIds: unique(input.entity_ids ?? before?.entityIds ?? []), groupIds: unique(input.group_ids ?? before?.groupIds ?? []) });
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write", summary: "Delete an assignment that no client names.",
      handler: async ({ input }, storage) => {
        if (input.name === ALLOW_ALL.name) throw invalid(`deletion of assignment ${JSON.stringify(input.name)} not allowed`);
        const users = (await everyClient(storage)).filter(({ assignments }) => assignments.includes(input.name)).map(({ name }) => name);
        if (users.length > 0) throw invalid(`unable to delete assignment ${JSON.stringify(input.name)} because it is currently referenced by these clients: ${users.join(", ")}`);
        // A client that names it meanwhile reads it, and so conflicts.
        if (getAssignment(storage, input.name)) storage.delete(ASSIGNMENTS + input.name);
        return NO_CONTENT;
      },
    },
  },
});
