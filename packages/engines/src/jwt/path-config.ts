import { createSecureContext } from "node:tls";
import { data, definePath, field, invalid, NO_CONTENT } from "@coffer/state-machine";
import { publicKeyFrom, SIGNATURE_ALGORITHMS } from "../web-tokens/signature.js";
import { checkKeys, trustOf } from "./key-sets.js";
import { checkProviderConfig, shownProviderConfig } from "./provider-config.js";
import { getConfig, putConfig } from "./storage.js";
import type { JwksPair, JwtConfig } from "./storage.js";

export const configPath = definePath({
  template: "config",
  help: {
    synopsis: "Configures whose tokens are taken.",
    description: "The keys come from one place: an OIDC provider, one or several published key sets, or public keys that are given here. A write replaces the whole configuration. The client secret is never shown.",
  },
  fields: {
    oidc_discovery_url: field.string({ description: "URL of the OIDC provider, without the .well-known component. Must be its issuer.", default: "" }),
    oidc_discovery_ca_pem: field.string({ description: "Authorities (PEM) that the provider's certificate must come from, instead of the system's.", default: "" }),
    oidc_client_id: field.string({ description: "Client id at the provider, for logins by browser.", default: "" }),
    oidc_client_secret: field.string({ description: "Client secret at the provider, for logins by browser.", default: "", sensitive: true }),
    oidc_response_mode: field.string({ description: "How the provider answers: query, which is the default, or form_post.", default: "" }),
    oidc_response_types: field.commaList({ description: "What the provider answers with: code, which is the default, or id_token, which needs form_post.", default: [] }),
    jwks_url: field.string({ description: "URL of a published key set.", default: "" }),
    jwks_ca_pem: field.string({ description: "Authorities (PEM) that the certificate of jwks_url must come from, instead of the system's.", default: "" }),
    jwks_pairs: field.any({ description: "Several published key sets: a list of maps with jwks_url and jwks_ca_pem." }),
    jwt_validation_pubkeys: field.commaList({ description: "Public keys (PEM) that sign tokens.", default: [] }),
    jwt_supported_algs: field.commaList({ description: "Signature algorithms that are taken; by default RS256 for logins by browser, and all asymmetric ones for others.", default: [] }),
    skip_jwks_validation: field.bool({ description: "Takes the configuration though the keys that it points at cannot be fetched, with a warning. Not stored.", default: false }),
    bound_issuer: field.string({ description: "What the `iss` claim must be.", default: "" }),
    default_role: field.lowerString({ description: "Role of a login that names none.", default: "" }),
    provider_config: field.map({ description: "Settings of a provider with ways of its own; `provider` is azure, gsuite, ibmisam or secureauth.", default: {} }),
    override_allowed_server_names: field.commaList({ description: "Names of which the certificates of the provider and of key sets have to be for one, instead of the host of their URL.", default: [] }),
    namespace_in_state: field.bool({ description: "Carries a redirect URI's namespace in the state instead of in the URI." }),
  },
  operations: {
    read: {
      effect: "read",
      summary: "Read the configuration, without the client secret.",
      handler(_request, storage) {
        const config = getConfig(storage);
        if (!config) return undefined;
        const { oidc_client_secret: _secret, ...shown } = config;
        return data({ override_allowed_server_names: [], ...shown, provider_config: shownProviderConfig(config.provider_config) });
      },
    },
    update: {
      effect: "write",
      summary: "Replace the configuration. Keys that are published are fetched once, to see that they can be.",
      async handler({ input: { jwks_pairs: pairs, namespace_in_state: given, skip_jwks_validation: maySkip, ...input } }, storage, { env }) {
        const namespaceInState = given ?? getConfig(storage)?.namespace_in_state ?? true;
        const config = { ...input, jwks_pairs: pairsFrom(pairs), namespace_in_state: namespaceInState } as JwtConfig;
        check(config);
        checkAuthorities(config);
        const warnings: string[] = [];
        await checkSources(config, env.now()).catch((error: Error) => {
          if (!maySkip) throw error;
          warnings.push(error.message);
        });
        putConfig(storage, config);
        return warnings.length > 0 ? { ...NO_CONTENT, warnings } : NO_CONTENT;
      },
    },
  },
});

function pairsFrom(given: unknown): readonly JwksPair[] {
  let value = given;
  if (typeof value === "string" && value.trim() !== "") {
    try {
      value = JSON.parse(value);
    } catch {
      throw invalid("'jwks_pairs' must be a list of maps with 'jwks_url' and 'jwks_ca_pem'");
    }
  }
  const list = value === undefined || value === null || value === "" ? [] : Array.isArray(value) ? (value as unknown[]) : [value];
  return list.map((one) => {
    const { jwks_url: url, jwks_ca_pem: ca = "" } = typeof one === "object" && one !== null ? (one as Record<string, unknown>) : {};
    if (typeof url !== "string" || url === "" || typeof ca !== "string") throw invalid("'jwks_pairs' must be a list of maps with 'jwks_url' and 'jwks_ca_pem'");
    return { jwks_url: url, jwks_ca_pem: ca };
  });
}

function check(config: JwtConfig): void {
  const { oidc_client_id: id, oidc_client_secret: secret, oidc_discovery_url: discovery, jwt_supported_algs: algorithms, oidc_response_types: types } = config;
  checkProviderConfig(config.provider_config);
  const sources = [discovery !== "", config.jwks_url !== "", config.jwks_pairs.length > 0, config.jwt_validation_pubkeys.length > 0].filter(Boolean).length;
  if (sources !== 1) throw invalid("exactly one of 'jwt_validation_pubkeys', 'jwks_url', 'jwks_pairs' or 'oidc_discovery_url' must be set");
  if ((id === "") !== (secret === "")) throw invalid("both 'oidc_client_id' and 'oidc_client_secret' must be set for OIDC");
  if (id !== "" && discovery === "") throw invalid("'oidc_discovery_url' must be set for OIDC");
  if (discovery.includes(".well-known/openid-configuration")) throw invalid("'oidc_discovery_url' contains '.well-known' component");
  for (const one of algorithms) if (!(SIGNATURE_ALGORITHMS as readonly string[]).includes(one)) throw invalid(`invalid jwt_supported_algs: unsupported signing algorithm ${JSON.stringify(one)}`);
  if (!types.every((one) => one === "code" || one === "id_token")) throw invalid(`invalid response_types [${types.join(" ")}]. 'code' and 'id_token' are allowed`);
  const mode: string = config.oidc_response_mode;
  if (mode !== "" && mode !== "query" && mode !== "form_post") throw invalid(`invalid response_mode: ${JSON.stringify(mode)}`);
  if (types.includes("id_token") && mode !== "form_post") throw invalid("must use 'form_post' response_mode with 'id_token' response_type");
  for (const pem of config.jwt_validation_pubkeys) {
    try {
      publicKeyFrom(pem);
    } catch (error) {
      throw invalid(`error parsing public key: ${(error as Error).message}`);
    }
  }
}

/** Throws RequestError 400. */
function checkAuthorities(config: JwtConfig): void {
  if (!isAuthorities(config.oidc_discovery_ca_pem)) throw invalid("error checking oidc discovery URL: could not parse CA PEM value successfully");
  for (const { jwks_ca_pem: ca } of setsOf(config)) if (!isAuthorities(ca)) throw invalid("error checking jwks_ca_pem");
}

/** Fetches what the configuration points at. Throws RequestError 400. */
async function checkSources(config: JwtConfig, now: number): Promise<void> {
  const trust = trustOf(config);
  for (const { jwks_url: url, jwks_ca_pem: ca } of setsOf(config)) {
    await checkKeys({ kind: "jwks", url, ca, serverNames: trust.serverNames }, now).catch((error: Error) => {
      throw invalid(`error checking jwks URL: ${error.message}`);
    });
  }
  const { oidc_discovery_url: url } = config;
  if (url === "") return;
  await checkKeys({ kind: "discovery", url, ...trust }, now).catch((error: Error) => {
    throw invalid(`error checking oidc discovery URL: ${error.message}`);
  });
}

/** The published key sets of a configuration. */
export function setsOf(config: JwtConfig): readonly JwksPair[] {
  return config.jwks_url === "" ? config.jwks_pairs : [{ jwks_url: config.jwks_url, jwks_ca_pem: config.jwks_ca_pem }];
}

function isAuthorities(pem: string): boolean {
  if (pem === "") return true;
  try {
    createSecureContext({ ca: pem });
    return pem.includes("-----BEGIN CERTIFICATE-----");
  } catch {
    return false;
  }
}
