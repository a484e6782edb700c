import { definePath, field, raw } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { ALGORITHMS, publishedKeys } from "../oidc-key.js";
import { clientById, everyClient } from "./client.js";
import { getProvider, issuerOfProvider } from "./provider.js";
import type { Provider } from "./provider.js";
import { OPENID } from "./scope.js";

const NAME = field.name({ description: "Name of the provider.", required: true });
/** Seconds that others may keep the configuration. */
const MAX_AGE = 3600;

export const providerDiscoveryPath = definePath({
  template: "oidc/provider/{name}/.well-known/openid-configuration",
  help: { synopsis: "Publishes how an OIDC provider is spoken to.", description: "As OpenID Connect Discovery 1.0, for everybody. The authorization endpoint is a page of the UI, for browsers; programs with a token use `authorize`." },
  fields: { name: NAME },
  operations: {
    read: {
      effect: "read", summary: "Read the configuration.", access: "none",
      handler: ({ input }, storage, mount) => {
        const provider = getProvider(storage, input.name);
        if (!provider) return undefined;
        const issuer = issuerOfProvider(provider, mount);
        const configuration = {
          issuer,
          jwks_uri: `${issuer}/.well-known/keys`,
          authorization_endpoint: `${issuer.replace("/v1/", "/ui/vault/")}/authorize`,
          token_endpoint: `${issuer}/token`,
          userinfo_endpoint: `${issuer}/userinfo`,
          request_parameter_supported: false,
          request_uri_parameter_supported: false,
          id_token_signing_alg_values_supported: ALGORITHMS,
          response_types_supported: ["code"],
          scopes_supported: [...provider.scopes, OPENID],
          claims_supported: [],
          subject_types_supported: ["public"],
          grant_types_supported: ["authorization_code"],
          token_endpoint_auth_methods_supported: ["none", "client_secret_basic", "client_secret_post"],
          code_challenge_methods_supported: ["plain", "S256"],
        };
        return raw(JSON.stringify(configuration), "application/json", 200, { "Cache-Control": `max-age=${MAX_AGE}` });
      },
    },
  },
});

export const providerKeysPath = definePath({
  template: "oidc/provider/{name}/.well-known/keys",
  help: { synopsis: "Publishes the keys that a provider's ID tokens are checked by.", description: "A JSON Web Key Set (RFC 7517) of the keys of the clients that it allows, for everybody." },
  fields: { name: NAME },
  operations: {
    read: {
      effect: "read", summary: "Read the key set.", access: "none",
      handler: async ({ input }, storage, { env }) => {
        const provider = getProvider(storage, input.name);
        return provider && raw(JSON.stringify({ keys: await publishedKeys(storage, env, await keysOf(storage, provider)) }), "application/json");
      },
    },
  },
});

async function keysOf(storage: ReadStorage, { allowedClientIds }: Provider): Promise<string[]> {
  const clients = allowedClientIds.includes("*") ? await everyClient(storage) : allowedClientIds.flatMap((id) => clientById(storage, id) ?? []);
  return [...new Set(clients.map(({ key }) => key))].sort();
}
