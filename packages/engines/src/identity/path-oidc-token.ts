import { data, definePath, field, getEntity, identityOf, invalid, plain } from "@coffer/state-machine";
import type { Mount, ReadStorage } from "@coffer/state-machine";
import { ALGORITHMS, maySignFor, publishedKeys, signClaims, signingKey } from "./oidc-key.js";
import { getRole, issuerOf } from "./oidc-role.js";
import type { IdentityServices } from "./oidc-role.js";
import { fillTemplate } from "./oidc-template.js";

const MS = 1000;

export const oidcTokenPath = definePath({
  template: "oidc/token/{name}",
  help: { synopsis: "Gives an identity token.", description: "A JWT that says who the caller is, signed by the role's key; whoever knows the published keys can check it." },
  fields: { name: field.name({ description: "Name of the role.", required: true }) },
  operations: {
    read: {
      // Its key may be due for rotation.
      effect: "write", summary: "Get an identity token.",
      handler: async ({ input, caller }, storage, mount) => {
        const { env } = mount;
        const role = getRole(storage, input.name);
        if (!role) throw invalid(`role ${JSON.stringify(input.name)} not found`);
        const identity = caller && identityOf(storage, caller.entityId);
        if (!identity) throw invalid("no entity associated with the request's token");
        const issuer = issuerOf(storage, mount.services as IdentityServices | undefined);
        if (issuer === "") throw invalid("the address of this cluster is not known; set issuer in identity/oidc/config");
        const key = await signingKey(storage, role.key, env);
        if (!key) throw invalid(`key ${JSON.stringify(role.key)} not found`);
        if (!maySignFor(key, role.clientId)) throw invalid(`the key ${JSON.stringify(role.key)} does not list the client ID of the role ${JSON.stringify(role.name)} as an allowed client ID`);
        const iat = Math.floor(env.now() / MS);
        const claims = { ...fillTemplate(role.template, identity, env.now()), iss: issuer, sub: identity.entity.id, aud: role.clientId, iat, exp: iat + role.ttlSeconds, namespace: "root" };
        return data({ client_id: role.clientId, token: await signClaims(key, claims), ttl: role.ttlSeconds });
      },
    },
  },
});

export const oidcIntrospectPath = definePath({
  template: "oidc/introspect",
  help: { synopsis: "Tells whether an identity token is good.", description: "Signed by a published key, not expired, for this client where one is named, of an entity that is there and not disabled." },
  fields: {
    token: field.string({ description: "The identity token.", required: true, sensitive: true }),
    client_id: field.string({ description: "The audience that it has to be for; empty: any.", default: "" }),
  },
  operations: {
    update: {
      effect: "read", summary: "Check an identity token.",
      handler: async ({ input }, storage, mount) => {
        const problem = await problemWith(input.token, input.client_id, storage, mount);
        return plain(problem === undefined ? { active: true } : { active: false, error: problem });
      },
    },
  },
});

async function problemWith(token: string, clientId: string, storage: ReadStorage, { env, services }: Mount): Promise<string | undefined> {
  const { createLocalJWKSet, errors, jwtVerify } = await import("jose");
  const keys = createLocalJWKSet({ keys: await publishedKeys(storage, env) });
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: issuerOf(storage, services as IdentityServices | undefined), algorithms: [...ALGORITHMS], currentDate: new Date(env.now()), requiredClaims: ["exp", "sub"],
      ...(clientId !== "" && { audience: clientId }),
    });
    const entity = getEntity(storage, payload.sub ?? "");
    if (!entity) return "entity was not found";
    return entity.disabled ? "entity is disabled" : undefined;
  } catch (error) {
    if (error instanceof errors.JOSEError) return `error validating token: ${error.message}`;
    throw error;
  }
}
