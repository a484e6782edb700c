import { NO_CONTENT, data, definePath, field, invalid, keyList } from "@coffer/state-machine";
import { foldedName, getGroup, getUser, listNames, putGroup, putUser, remove } from "./storage.js";

const MAX_NAME_LENGTH = 1024;
const POLICIES = field.commaList({ description: "Policies that a login gets for it.", default: [] });

export const usersPath = definePath({
  template: "users",
  help: { synopsis: "Lists users that have something of their own here.", description: "Others may log in all the same." },
  fields: {},
  operations: { list: { effect: "read", summary: "List users.", handler: async (_request, storage) => keyList(await listNames(storage, "user")) } },
});

export const groupsPath = definePath({
  template: "groups",
  help: { synopsis: "Lists groups that have policies here.", description: "By name." },
  fields: {},
  operations: { list: { effect: "read", summary: "List groups.", handler: async (_request, storage) => keyList(await listNames(storage, "group")) } },
});

function policyNames(names: readonly string[]): string[] {
  return [...new Set(names.map((name) => name.trim().toLowerCase()).filter((name) => name !== ""))].sort();
}

/** Throws RequestError 400. */
function checkName(name: string): void {
  if (name.length > MAX_NAME_LENGTH) throw invalid(`the name is longer than ${MAX_NAME_LENGTH} characters`);
}

export const userPath = definePath({
  template: "users/{name...}",
  help: { synopsis: "Gives a user groups and policies beside those of the directory.", description: "Deleting it does not keep the user from logging in." },
  fields: {
    name: field.string({ description: "Name that the user logs in by.", required: true }),
    groups: field.commaList({ description: "Groups beside those of the directory.", default: [] }),
    policies: POLICIES,
  },
  operations: {
    read: {
      effect: "read",
      summary: "Read a user.",
      handler: ({ input }, storage) => {
        const user = getUser(storage, input.name);
        return user && data({ groups: user.groups.join(","), policies: user.policies });
      },
    },
    update: {
      effect: "write",
      summary: "Set a user's groups and policies.",
      handler: ({ input }, storage) => {
        checkName(input.name);
        putUser(storage, input.name, { groups: [...new Set(input.groups.map((group) => foldedName(storage, group.trim())).filter((group) => group !== ""))].sort(), policies: policyNames(input.policies) });
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Forget a user's groups and policies.",
      handler: ({ input }, storage) => {
        remove(storage, "user", input.name);
        return NO_CONTENT;
      },
    },
  },
});

export const groupPath = definePath({
  template: "groups/{name...}",
  help: { synopsis: "Gives the members of a group policies.", description: "Of a group of the directory, or of one that users are put into here." },
  fields: { name: field.string({ description: "Name of the group.", required: true }), policies: POLICIES },
  operations: {
    read: {
      effect: "read",
      summary: "Read a group.",
      handler: ({ input }, storage) => {
        const group = getGroup(storage, input.name);
        return group && data({ policies: group.policies });
      },
    },
    update: {
      effect: "write",
      summary: "Set a group's policies.",
      handler: ({ input }, storage) => {
        checkName(input.name);
        putGroup(storage, input.name, { policies: policyNames(input.policies) });
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Forget a group's policies.",
      handler: ({ input }, storage) => {
        remove(storage, "group", input.name);
        return NO_CONTENT;
      },
    },
  },
});
