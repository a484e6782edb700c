import { data, definePath, field, invalid, keyList, NO_CONTENT, olderTokenFields, pageFields, roleTokens, shownTokens, tokenFields } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { hashGiven } from "./password.js";
import { getUser, listUsers, putUser, removeUser } from "./storage.js";
import type { User } from "./storage.js";

export const USERNAME = field.name({ description: "Name of the user; case does not matter.", required: true });
const passwordFields = {
  password: field.string({ description: "Password, of at most 72 bytes.", sensitive: true }),
  password_hash: field.string({ description: "A bcrypt hash that was made elsewhere, with a cost of 5 to 12, instead of the password.", sensitive: true }),
};
const { policies, ttl, max_ttl, bound_cidrs } = olderTokenFields;

function existingUser(storage: ReadStorage, name: string): User {
  const user = getUser(storage, name);
  if (!user) throw invalid("username does not exist");
  return user;
}

export const usersPath = definePath({
  template: "users",
  help: { synopsis: "Lists users.", description: "By name." },
  fields: pageFields(),
  operations: {
    list: {
      effect: "read",
      summary: "List users.",
      handler: async ({ input }, storage) => keyList(await listUsers(storage, input)),
    },
  },
});

export const userPath = definePath({
  template: "users/{username}",
  help: {
    synopsis: "Makes, shows, changes or deletes a user.",
    description: "A user has a password and says which tokens a login gives. Deleting one leaves the tokens of earlier logins until they end; they are not renewed any more.",
  },
  fields: { username: USERNAME, ...passwordFields, policies, ttl, max_ttl, bound_cidrs, ...tokenFields },
  exists: ({ input }, storage) => getUser(storage, input.username) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a user; the password is not shown.",
      handler: ({ input }, storage) => {
        const user = getUser(storage, input.username);
        return user && data(shownTokens(user.tokens));
      },
    },
    update: {
      effect: "write",
      summary: "Make or change a user.",
      handler: async ({ input }, storage) => {
        const before = getUser(storage, input.username);
        const hash = (await hashGiven(input.password, input.password_hash)) ?? before?.hash;
        if (hash === undefined) throw invalid("missing password");
        putUser(storage, input.username, { hash, tokens: roleTokens(input, before?.tokens) });
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Delete a user.",
      handler: ({ input }, storage) => {
        removeUser(storage, input.username);
        return NO_CONTENT;
      },
    },
  },
});

export const userPasswordPath = definePath({
  template: "users/{username}/password",
  help: { synopsis: "Sets a user's password.", description: "For those who may touch nothing else of the user." },
  fields: { username: USERNAME, ...passwordFields },
  operations: {
    update: {
      effect: "write",
      summary: "Set the password.",
      handler: async ({ input }, storage) => {
        const user = existingUser(storage, input.username);
        const hash = await hashGiven(input.password, input.password_hash);
        if (hash === undefined) throw invalid("missing password");
        putUser(storage, input.username, { ...user, hash });
        return NO_CONTENT;
      },
    },
  },
});

export const userPoliciesPath = definePath({
  template: "users/{username}/policies",
  help: { synopsis: "Sets a user's policies.", description: "For those who may touch nothing else of the user." },
  fields: { username: USERNAME, policies, token_policies: tokenFields.token_policies },
  operations: {
    update: {
      effect: "write",
      summary: "Set the policies.",
      handler: ({ input: { username, ...input } }, storage) => {
        const user = existingUser(storage, username);
        putUser(storage, username, { ...user, tokens: roleTokens(input, user.tokens) });
        return NO_CONTENT;
      },
    },
  },
});
