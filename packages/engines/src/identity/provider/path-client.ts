import { data, definePath, field, invalid, keyList, NO_CONTENT, randomText } from "@coffer/state-machine";
import type { Environment, InputOf, WriteStorage } from "@coffer/state-machine";
import { DEFAULT_KEY, getKey, signingKey } from "../oidc-key.js";
import { getAssignment } from "./assignment.js";
import { deleteClient, everyClient, getClient, putClient } from "./client.js";
import type { Client } from "./client.js";

const CLIENT_ID_LENGTH = 32;
const SECRET_PREFIX = "hvo_secret_";
const SECRET_LENGTH = 64;
const DEFAULT_TTL_SECONDS = 86_400;

const FIELDS = {
  name: field.name({ description: "Name of the client.", required: true }),
  redirect_uris: field.commaList({ description: "Where users may be sent back to; one of them has to match exactly, but for the port of a loopback address." }),
  assignments: field.commaList({ description: "Names of assignments: who may log in to it. `allow_all` is everybody who has an entity." }),
  key: field.string({ description: "Name of the key that signs its ID tokens; `default` when left out. Cannot be changed." }),
  id_token_ttl: field.duration({ description: "How long its ID tokens are good (default 24 hours)." }),
  access_token_ttl: field.duration({ description: "How long its access tokens are good (default 24 hours)." }),
  client_type: field.string({ description: "Whether it can keep a secret: `confidential`, the default, or `public`, which has to use PKCE. Cannot be changed." }),
};

const typeOf = ({ clientSecret }: Client) => (clientSecret === null ? "public" : "confidential");

function settings(client: Client): Readonly<Record<string, unknown>> {
  return {
    access_token_ttl: client.accessTokenTtlSeconds, assignments: client.assignments, client_id: client.clientId, client_type: typeOf(client),
    id_token_ttl: client.idTokenTtlSeconds, key: client.key, redirect_uris: client.redirectUris,
  };
}

export const clientsPath = definePath({
  template: "oidc/client",
  help: { synopsis: "Lists the clients.", description: "With their settings, but for their secrets." },
  fields: {},
  operations: {
    list: {
      effect: "read", summary: "List the clients.",
      handler: async (_request, storage) => {
        const all = await everyClient(storage);
        return keyList(all.map(({ name }) => name), Object.fromEntries(all.map((client) => [client.name, settings(client)])));
      },
    },
  },
});

export const clientPath = definePath({
  template: "oidc/client/{name}",
  help: { synopsis: "Creates, reads, changes or deletes a client.", description: "An application that lets its users log in here. Its id, and its secret where it has one, are made with it." },
  fields: FIELDS,
  exists: ({ input }, storage) => getClient(storage, input.name) !== undefined,
  operations: {
    read: {
      effect: "read", summary: "Read a client, with its secret.",
      handler: ({ input }, storage) => {
        const found = getClient(storage, input.name);
        return found && data({ ...settings(found), ...(found.clientSecret !== null && { client_secret: found.clientSecret }) });
      },
    },
    update: {
      effect: "write", summary: "Create or change a client.",
      handler: async ({ input }, storage, { env }) => {
        putClient(storage, await changed(storage, input, getClient(storage, input.name), env));
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write", summary: "Delete a client.",
      handler: ({ input }, storage) => {
        const found = getClient(storage, input.name);
        if (found) deleteClient(storage, found);
        return NO_CONTENT;
      },
    },
  },
});

/** Throws RequestError 400. */
async function changed(storage: WriteStorage, input: InputOf<typeof FIELDS>, before: Client | undefined, env: Environment): Promise<Client> {
  const assignments = [...new Set(input.assignments ?? before?.assignments ?? [])].sort();
  const missing = assignments.find((name) => !getAssignment(storage, name));
  if (missing !== undefined) throw invalid(`assignment ${JSON.stringify(missing)} does not exist`);
  if (before && input.key !== undefined && input.key !== before.key) throw invalid("key modification is not allowed");
  const keyName = before?.key ?? input.key ?? DEFAULT_KEY;
  const key = keyName === DEFAULT_KEY ? await signingKey(storage, DEFAULT_KEY, env) : getKey(storage, keyName);
  if (!key) throw invalid(`key ${JSON.stringify(keyName)} does not exist`);
  const idTokenTtlSeconds = input.id_token_ttl ?? before?.idTokenTtlSeconds ?? DEFAULT_TTL_SECONDS;
  if (idTokenTtlSeconds > key.verificationTtlSeconds) throw invalid("a client's id_token_ttl cannot be greater than the verification_ttl of the key it references");
  if (before && input.client_type !== undefined && input.client_type !== typeOf(before)) throw invalid("client_type modification is not allowed");
  const type = before ? typeOf(before) : (input.client_type ?? "confidential");
  if (type !== "confidential" && type !== "public") throw invalid(`invalid client_type ${JSON.stringify(type)}`);
  return {
    name: input.name,
    clientId: before?.clientId ?? randomText(env, CLIENT_ID_LENGTH),
    clientSecret: type === "public" ? null : (before?.clientSecret ?? SECRET_PREFIX + randomText(env, SECRET_LENGTH)),
    key: keyName,
    redirectUris: [...new Set(input.redirect_uris ?? before?.redirectUris ?? [])].sort(),
    assignments,
    idTokenTtlSeconds,
    accessTokenTtlSeconds: input.access_token_ttl ?? before?.accessTokenTtlSeconds ?? DEFAULT_TTL_SECONDS,
  };
}
