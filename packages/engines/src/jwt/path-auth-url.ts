import { createHash } from "node:crypto";
import { data, definePath, field, invalid } from "@coffer/state-machine";
import type { Environment } from "@coffer/state-machine";
import { discover } from "./key-sets.js";
import { roleOf } from "./login.js";
import { isAllowedRedirect, splitNamespace } from "./redirect.js";
import { getConfig, putFlow } from "./storage.js";
import type { Flow, JwtRole } from "./storage.js";

/** How long somebody may take at the provider. */
const FLOW_TTL_MS = 300_000;

export const authUrlPath = definePath({
  template: "oidc/auth_url",
  help: {
    synopsis: "Begins a login by browser.",
    description: "Gives the URL at the provider to open. It can be used once, within five minutes. The URL is empty where the redirect URI is not one of the role's.",
  },
  fields: {
    role: field.lowerString({ description: "The role to log in with; by default that of the configuration.", default: "" }),
    redirect_uri: field.string({ description: "Where the provider sends the browser back to; one of the role's allowed_redirect_uris.", default: "" }),
    client_nonce: field.string({ description: "Any text that only the client knows. The callback must then come with the same.", default: "", sensitive: true }),
  },
  operations: {
    update: {
      effect: "write",
      access: "none",
      summary: "Begin a login by browser.",
      async handler({ input }, storage, { env }) {
        const config = getConfig(storage);
        if (!config) throw invalid("could not load configuration");
        if (config.oidc_client_id === "") throw invalid("OIDC login is not configured for this mount");
        const { name, role } = roleOf(storage, input.role, config);
        if (input.redirect_uri === "") throw invalid("missing redirect_uri");
        if (input.client_nonce.length > MAX_NONCE || input.redirect_uri.length > MAX_URI) throw invalid("redirect_uri or client_nonce is too long");
        const { uri, namespace } = config.namespace_in_state ? splitNamespace(input.redirect_uri) : { uri: input.redirect_uri, namespace: "" };
        if (!isAllowedRedirect(uri, role.allowed_redirect_uris ?? [])) return data({ auth_url: "" });
        const { authorization_endpoint: endpoint } = await discover(config.oidc_discovery_url, config.oidc_discovery_ca_pem, env.now()).catch((error: Error) => {
          throw invalid(`error getting provider for login operation: ${error.message}`);
        });
        if (endpoint === undefined || !URL.canParse(endpoint)) throw invalid("error getting provider for login operation: it has no authorization_endpoint");
        const { state, flow } = begin(name, uri, input.client_nonce, env);
        putFlow(storage, state, flow);
        const shownState = namespace === "" ? state : `${state},ns=${namespace}`;
        return data({ auth_url: authUrl(endpoint, config.oidc_client_id, role, flow, shownState) });
      },
    },
  },
});

const MAX_NONCE = 1024;
const MAX_URI = 4096;
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

function begin(role: string, redirectUri: string, clientNonce: string, { now, randomBytes }: Environment): { readonly state: string; readonly flow: Flow } {
  const expiresAt = now() + FLOW_TTL_MS;
  // States sort by when they end, so that those that are over are the first of a list.
  const state = `st_${expiresAt.toString(36).padStart(9, "0")}${Buffer.from(randomBytes(20)).toString("hex")}`;
  return { state, flow: { role, redirectUri, clientNonce, expiresAt, nonce: `n_${Buffer.from(randomBytes(20)).toString("hex")}`, codeVerifier: base64url(randomBytes(32)) } };
}

function authUrl(endpoint: string, clientId: string, role: JwtRole, flow: Flow, state: string): string {
  const url = new URL(endpoint);
  const parameters = {
    client_id: clientId,
    code_challenge: base64url(createHash("sha256").update(flow.codeVerifier).digest()),
    code_challenge_method: "S256",
    nonce: flow.nonce,
    redirect_uri: flow.redirectUri,
    response_type: "code",
    scope: [...new Set(["openid", ...(role.oidc_scopes ?? [])])].join(" "),
    state,
    ...(role.max_age > 0 && { max_age: String(role.max_age) }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}
