import { data, definePath, field, NO_CONTENT, raw } from "@coffer/state-machine";
import type { Mount, ReadStorage } from "@coffer/state-machine";
import { ISSUER_WARNING, requireOrigin } from "./oidc-issuer.js";
import { ALGORITHMS, publishedKeys } from "./oidc-key.js";
import { configuredIssuer, issuerOf, putIssuer } from "./oidc-role.js";
import type { IdentityServices } from "./oidc-role.js";

/** How long others may keep what is published, in seconds: a key is published a whole period before it signs. */
const MAX_AGE = 3600;
const published = (body: unknown) => raw(JSON.stringify(body), "application/json", 200, { "Cache-Control": `max-age=${MAX_AGE}` });

function issuer(storage: ReadStorage, { services }: Mount): string {
  return issuerOf(storage, services as IdentityServices | undefined);
}

export const oidcConfigPath = definePath({
  template: "oidc/config",
  help: { synopsis: "Reads or sets the issuer of identity tokens.", description: "By default the address that clients reach the cluster at." },
  fields: { issuer: field.string({ description: "Scheme, host and port, such as https://vault.example.org:8200; empty for the default.", default: "" }) },
  operations: {
    read: { effect: "read", summary: "Read the issuer.", handler: (_request, storage) => data({ issuer: configuredIssuer(storage) }) },
    update: {
      effect: "write", summary: "Set the issuer.",
      handler: ({ input }, storage) => {
        if (input.issuer !== "") requireOrigin(input.issuer);
        putIssuer(storage, input.issuer.replace(/\/$/, ""));
        return input.issuer === "" ? NO_CONTENT : { ...NO_CONTENT, warnings: [ISSUER_WARNING] };
      },
    },
  },
});

export const oidcKeysDocumentPath = definePath({
  template: "oidc/.well-known/keys",
  help: { synopsis: "Publishes the keys that identity tokens are checked by.", description: "A JSON Web Key Set (RFC 7517), for everybody." },
  fields: {},
  operations: { read: { effect: "read", summary: "Read the key set.", access: "none", handler: async (_request, storage, { env }) => published({ keys: await publishedKeys(storage, env) }) } },
});

export const oidcDiscoveryPath = definePath({
  template: "oidc/.well-known/openid-configuration",
  help: { synopsis: "Publishes how identity tokens are checked.", description: "As OpenID Connect Discovery 1.0, for everybody." },
  fields: {},
  operations: {
    read: {
      effect: "read", summary: "Read the configuration.", access: "none",
      handler: (_request, storage, mount) => {
        const base = issuer(storage, mount);
        return published({ issuer: base, jwks_uri: `${base}/.well-known/keys`, response_types_supported: ["id_token"], subject_types_supported: ["public"], id_token_signing_alg_values_supported: ALGORITHMS });
      },
    },
  },
});
