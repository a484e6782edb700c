import { data, definePath, field, invalid, keyList, NO_CONTENT, randomText } from "@coffer/state-machine";
import { DEFAULT_KEY, getKey, signingKey } from "./oidc-key.js";
import { getRole, putRole, ROLES } from "./oidc-role.js";
import { checkTemplate, templateText } from "./oidc-template.js";

const CLIENT_ID_LENGTH = 26;
const DEFAULT_TTL_SECONDS = 86_400;

export const oidcRolesPath = definePath({
  template: "oidc/role",
  help: { synopsis: "Lists the roles of identity tokens.", description: "Their names." },
  fields: {},
  operations: { list: { effect: "read", summary: "List the roles.", handler: async (_request, storage) => keyList(await storage.list(ROLES)) } },
});

export const oidcRolePath = definePath({
  template: "oidc/role/{name}",
  help: { synopsis: "Creates, reads, changes or deletes a role of identity tokens.", description: "A token by it says who its bearer is, to whoever knows the role's client id." },
  fields: {
    name: field.name({ description: "Name of the role.", required: true }),
    key: field.string({ description: "Name of the key that signs; it has to allow the role's client id." }),
    template: field.string({ description: "JSON of further claims, with templates such as `{{identity.entity.name}}`; in clear or in base64." }),
    ttl: field.duration({ description: "How long a token is good (default 24 hours)." }),
    client_id: field.string({ description: "Audience of the tokens; made up when left out." }),
  },
  operations: {
    read: {
      effect: "read", summary: "Read a role.",
      handler: ({ input }, storage) => {
        const role = getRole(storage, input.name);
        return role && data({ client_id: role.clientId, key: role.key, template: role.template, ttl: role.ttlSeconds });
      },
    },
    update: {
      effect: "write", summary: "Create or change a role.",
      handler: async ({ input }, storage, { env }) => {
        const before = getRole(storage, input.name);
        const keyName = input.key ?? before?.key ?? "";
        if (keyName === "") throw invalid("the key parameter is required");
        const key = keyName === DEFAULT_KEY ? await signingKey(storage, DEFAULT_KEY, env) : getKey(storage, keyName);
        if (!key) throw invalid(`cannot find key ${JSON.stringify(keyName)}`);
        const template = input.template === undefined ? (before?.template ?? "") : templateText(input.template);
        checkTemplate(template);
        const ttlSeconds = input.ttl ?? before?.ttlSeconds ?? DEFAULT_TTL_SECONDS;
        if (ttlSeconds === 0) throw invalid("ttl must be greater than zero");
        if (ttlSeconds > key.verificationTtlSeconds) throw invalid("a role's token ttl cannot be longer than the verification_ttl of the key it references");
        putRole(storage, { name: input.name, key: keyName, clientId: input.client_id || (before?.clientId ?? randomText(env, CLIENT_ID_LENGTH)), ttlSeconds, template });
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write", summary: "Delete a role.",
      handler: ({ input }, storage) => {
        storage.delete(ROLES + input.name);
        return NO_CONTENT;
      },
    },
  },
});
