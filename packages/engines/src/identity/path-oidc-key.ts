import { data, definePath, field, invalid, keyList, NO_CONTENT } from "@coffer/state-machine";
import { DEFAULT_KEY, getKey, KEYS, putKey, rotateKey, signingKey } from "./oidc-key.js";
import { rolesOfKey } from "./oidc-role.js";
import { clientsOfKey } from "./provider/client.js";

const NAME = field.name({ description: "Name of the key.", required: true });
/** As it is made when it is first needed. */
const UNMADE_DEFAULT = { algorithm: "RS256", allowed_client_ids: ["*"], rotation_period: 86_400, verification_ttl: 86_400 };

export const oidcKeysPath = definePath({
  template: "oidc/key",
  help: { synopsis: "Lists the keys of identity tokens.", description: "One called default is there from the start." },
  fields: {},
  operations: { list: { effect: "read", summary: "List the keys.", handler: async (_request, storage) => keyList([...new Set([DEFAULT_KEY, ...(await storage.list(KEYS))])].sort()) } },
});

export const oidcKeyPath = definePath({
  template: "oidc/key/{name}",
  help: { synopsis: "Creates, reads, changes or deletes a key of identity tokens.", description: "It is rotated when its period is over and a token is to be signed; keys that signed before are published for their verification TTL." },
  fields: {
    name: NAME,
    rotation_period: field.duration({ description: "How long one key signs (default 24 hours)." }),
    verification_ttl: field.duration({ description: "How long a key that no longer signs is published (default 24 hours)." }),
    algorithm: field.string({ description: "RS256 (the default), RS384, RS512, ES256, ES384, ES512 or EdDSA." }),
    allowed_client_ids: field.commaList({ description: "Client ids whose tokens it may sign; `*` for everybody." }),
  },
  operations: {
    read: {
      effect: "read", summary: "Read a key's settings.",
      handler: ({ input }, storage) => {
        const key = getKey(storage, input.name);
        if (key) return data({ algorithm: key.algorithm, allowed_client_ids: key.allowedClientIds, rotation_period: key.rotationPeriodSeconds, verification_ttl: key.verificationTtlSeconds });
        return input.name === DEFAULT_KEY ? data(UNMADE_DEFAULT) : undefined;
      },
    },
    update: {
      effect: "write", summary: "Create or change a key.",
      handler: async ({ input }, storage, { env }) => {
        const ttl = input.verification_ttl;
        const longest = ttl === undefined ? [] : (await rolesOfKey(storage, input.name)).filter(({ ttlSeconds }) => ttlSeconds > ttl);
        if (longest.length > 0) throw invalid(`unable to update key ${JSON.stringify(input.name)} because it is currently referenced by one or more roles with a token ttl greater than ${ttl} seconds`);
        const clients = ttl === undefined ? [] : (await clientsOfKey(storage, input.name)).filter(({ idTokenTtlSeconds }) => idTokenTtlSeconds > ttl);
        if (clients.length > 0) throw invalid(`unable to update key ${JSON.stringify(input.name)} because it is currently referenced by one or more clients with an id_token_ttl greater than ${ttl} seconds`);
        const allowedClientIds = input.allowed_client_ids ?? (input.name === DEFAULT_KEY && !getKey(storage, DEFAULT_KEY) ? ["*"] : undefined);
        await putKey(storage, input.name, { rotationPeriodSeconds: input.rotation_period, verificationTtlSeconds: ttl, algorithm: input.algorithm, allowedClientIds }, env);
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write", summary: "Delete a key that no role and no client names.",
      handler: async ({ input }, storage) => {
        if (input.name === DEFAULT_KEY) throw invalid(`deletion of key ${JSON.stringify(input.name)} not allowed`);
        const users = (await rolesOfKey(storage, input.name)).map(({ name }) => name);
        if (users.length > 0) throw invalid(`unable to delete key ${JSON.stringify(input.name)} because it is currently referenced by these roles: ${users.join(", ")}`);
        const clients = (await clientsOfKey(storage, input.name)).map(({ name }) => name);
        if (clients.length > 0) throw invalid(`unable to delete key ${JSON.stringify(input.name)} because it is currently referenced by these clients: ${clients.join(", ")}`);
        // A role or client that is made meanwhile reads the key, and so conflicts.
        if (getKey(storage, input.name)) storage.delete(KEYS + input.name);
        return NO_CONTENT;
      },
    },
  },
});

export const oidcRotatePath = definePath({
  template: "oidc/key/{name}/rotate",
  help: { synopsis: "Rotates a key of identity tokens.", description: "The next key signs from now on." },
  fields: { name: NAME, verification_ttl: field.duration({ description: "How long the key that signed so far is published yet; its own setting when left out." }) },
  operations: {
    update: {
      effect: "write", summary: "Rotate a key.",
      handler: async ({ input }, storage, { env }) => {
        const key = input.name === DEFAULT_KEY ? await signingKey(storage, DEFAULT_KEY, env) : getKey(storage, input.name);
        if (!key) throw invalid(`no named key found at ${JSON.stringify(input.name)}`);
        await rotateKey(storage, key, input.verification_ttl ?? key.verificationTtlSeconds, env);
        return NO_CONTENT;
      },
    },
  },
});

