import { createHash } from "node:crypto";
import { data, definePath, field, invalid } from "@coffer/state-machine";
import type { Mount, Response, WriteStorage } from "@coffer/state-machine";
import { authorizeDevice } from "./device.js";
import { newFlow } from "./flow.js";
import { discover, trustOf } from "./key-sets.js";
import type { Discovery } from "./key-sets.js";
import { roleOf } from "./login.js";
import { admit } from "./pending.js";
import { isAllowedRedirect, splitNamespace } from "./redirect.js";
import { getConfig, putFlow } from "./storage.js";
import type { Flow, JwtConfig, JwtRole } from "./storage.js";

const MAX_NONCE = 1024;
const MAX_URI = 4096;
const POLL_SECONDS = 5;

interface Begin {
  readonly roleName: string;
  readonly role: JwtRole;
  readonly config: JwtConfig;
  readonly redirectUri: string;
  readonly clientNonce: string;
  readonly remoteAddress: string;
}

export const authUrlPath = definePath({
  template: "oidc/auth_url",
  help: {
    synopsis: "Begins a login by browser.",
    description: "Gives the URL at the provider to open. It can be used once, within five minutes. The URL is empty where the redirect URI is not one of the role's.",
  },
  fields: {
    role: field.lowerString({ description: "The role to log in with; by default that of the configuration.", default: "" }),
    redirect_uri: field.string({ description: "Where the provider sends the browser back to; one of the role's allowed_redirect_uris. Roles of callback_mode `device` need none.", default: "" }),
    client_nonce: field.string({ description: "Any text that only the client knows. The callback, or oidc/poll, must then come with the same. Roles of callback_mode `direct` and `device` need one.", default: "", sensitive: true }),
  },
  operations: {
    update: {
      effect: "write",
      access: "none",
      summary: "Begin a login by browser.",
      async handler({ input, remoteAddress }, storage, mount) {
        const config = getConfig(storage);
        if (!config) throw invalid("could not load configuration");
        if (config.oidc_client_id === "") throw invalid("OIDC login is not configured for this mount");
        const { name, role } = roleOf(storage, input.role, config);
        if (role.callback_mode !== "client" && input.client_nonce === "") throw invalid("missing client_nonce");
        if (input.client_nonce.length > MAX_NONCE || input.redirect_uri.length > MAX_URI) throw invalid("redirect_uri or client_nonce is too long");
        const begin: Begin = { roleName: name, role, config, redirectUri: input.redirect_uri, clientNonce: input.client_nonce, remoteAddress };
        return role.callback_mode === "device" ? beginDevice(begin, storage, mount) : beginBrowser(begin, storage, mount);
      },
    },
  },
});

async function providerOf(config: JwtConfig, { env }: Mount): Promise<Discovery> {
  return discover(config.oidc_discovery_url, trustOf(config), env.now()).catch((error: Error) => {
    throw invalid(`error getting provider for login operation: ${error.message}`);
  });
}

async function beginBrowser({ roleName, role, config, redirectUri, clientNonce, remoteAddress }: Begin, storage: WriteStorage, mount: Mount): Promise<Response> {
  if (redirectUri === "") throw invalid("missing redirect_uri");
  const { uri, namespace } = config.namespace_in_state ? splitNamespace(redirectUri) : { uri: redirectUri, namespace: "" };
  if (!isAllowedRedirect(uri, role.allowed_redirect_uris ?? [])) return data({ auth_url: "" });
  const { authorization_endpoint: endpoint } = await providerOf(config, mount);
  if (endpoint === undefined || !URL.canParse(endpoint)) throw invalid("error getting provider for login operation: it has no authorization_endpoint");
  const { state, flow } = newFlow({ mode: role.callback_mode, role: roleName, redirectUri: uri, clientNonce, deviceCode: "", requester: remoteAddress }, mount.env);
  admit(mount, remoteAddress, state, flow.expiresAt);
  putFlow(storage, state, flow);
  const shownState = namespace === "" ? state : `${state},ns=${namespace}`;
  return data({ auth_url: authUrl(endpoint, config, role, flow, shownState), ...(flow.mode === "direct" && { state, poll_interval: String(role.poll_interval || POLL_SECONDS) }) });
}

async function beginDevice({ roleName, role, config, clientNonce, remoteAddress }: Begin, storage: WriteStorage, mount: Mount): Promise<Response> {
  const provider = await providerOf(config, mount);
  // Before the provider is asked: each question makes a code there.
  const { state, flow } = newFlow({ mode: "device", role: roleName, redirectUri: "", clientNonce, deviceCode: "", requester: remoteAddress }, mount.env);
  admit(mount, remoteAddress, state, flow.expiresAt);
  const device = await authorizeDevice(config, role, provider).catch((error: Error) => {
    throw invalid(`error authorizing device: ${error.message}`);
  });
  putFlow(storage, state, { ...flow, deviceCode: device.deviceCode });
  return data({
    auth_url: device.url,
    ...(device.userCode !== undefined && { user_code: device.userCode }),
    state,
    poll_interval: String(role.poll_interval || device.interval || POLL_SECONDS),
  });
}

function authUrl(endpoint: string, config: JwtConfig, role: JwtRole, flow: Flow, state: string): string {
  const url = new URL(endpoint);
  const isImplicit = config.oidc_response_types.includes("id_token");
  const parameters = {
    client_id: config.oidc_client_id,
    ...(!isImplicit && { code_challenge: createHash("sha256").update(flow.codeVerifier).digest("base64url"), code_challenge_method: "S256" }),
    nonce: flow.nonce,
    redirect_uri: flow.redirectUri,
    ...(config.oidc_response_mode === "form_post" && { response_mode: "form_post" }),
    response_type: isImplicit ? "id_token" : "code",
    scope: [...new Set(["openid", ...(role.oidc_scopes ?? [])])].join(" "),
    state,
    ...(role.max_age > 0 && { max_age: String(role.max_age) }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}
