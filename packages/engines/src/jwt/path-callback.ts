import { definePath, field, invalid, plain, raw, RequestError } from "@coffer/state-machine";
import type { Mount, Response, WriteStorage } from "@coffer/state-machine";
import { TokenRefused } from "../web-tokens/signature.js";
import { exchange, identityOfPosted, isSame } from "./code-exchange.js";
import type { Known } from "./code-exchange.js";
import { bareState, FAILED, findFlow, flowOf } from "./flow.js";
import { checkAddress, enter } from "./login.js";
import { confirmPage, donePage, failedPage, HTML, HTML_HEADERS, postedPage } from "./pages.js";
import { release } from "./pending.js";
import { deleteFlow, getConfig, getRole, putFlow } from "./storage.js";
import type { Flow, JwtConfig, JwtRole } from "./storage.js";

/** Errors of a provider (RFC 6749, 4.1.2.1) that are passed on. Others could be any text. */
const PROVIDER_ERRORS: readonly string[] = ["invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope", "server_error", "temporarily_unavailable"];
/** What a client gives as code where the provider had the browser post it to the server. */
const NO_CODE = "no_code";

interface Callback {
  readonly state: string;
  readonly code: string;
  readonly client_nonce: string;
  readonly error: string;
  readonly confirmation: string;
}

export const callbackPath = definePath({
  template: "oidc/callback",
  help: {
    synopsis: "Ends a login by browser.",
    description: "What the provider gave the browser comes here: from the client that began the login, or, for roles of callback_mode `direct`, from the browser itself. Whatever comes of it, the state is used up. A provider that has the browser post its answer (form_post) posts it here; the client then comes without it.",
  },
  fields: {
    state: field.string({ description: "State of the login, as it came back from the provider.", query: true, default: "" }),
    code: field.string({ description: "Authorization code, as it came from the provider.", query: true, default: "", sensitive: true }),
    id_token: field.string({ description: "ID token, where the provider posts one.", default: "", sensitive: true }),
    client_nonce: field.string({ description: "The text that the login was begun with.", query: true, default: "", sensitive: true }),
    error: field.string({ description: "Why the provider refused.", query: true, default: "" }),
    error_description: field.string({ description: "More about the error, for people.", query: true, default: "" }),
    confirmation: field.string({ description: "Anything: the user of a role of callback_mode `direct` says that the login is theirs.", query: true, default: "" }),
  },
  operations: {
    read: {
      effect: "write",
      access: "none",
      summary: "End a login by browser.",
      roleOf: ({ input }, storage) => findFlow(storage, bareState(input.state))?.role,
      async handler({ input, remoteAddress }, storage, mount) {
        const config = getConfig(storage);
        if (!config) throw invalid(`${FAILED} Could not load configuration`);
        const state = bareState(input.state);
        const flow = flowOf(storage, state, mount.env);
        if (flow.mode === "device" || flow.done) throw invalid(`${FAILED} Expired or missing OAuth state.`);
        const callback: Callback = { ...input, state };
        if (flow.mode === "direct") return direct(callback, flow, config, storage, mount);
        deleteFlow(storage, state);
        release(mount, state);
        return client(callback, flow, config, storage, mount, remoteAddress);
      },
    },
    update: {
      effect: "write",
      access: "none",
      summary: "Take what the provider had the browser post.",
      handler({ input }, storage, mount) {
        const config = getConfig(storage);
        if (!config) throw invalid(`${FAILED} Could not load configuration.`);
        if (config.oidc_response_mode !== "form_post") throw new RequestError("unsupported_operation", "oidc_response_mode is not form_post");
        const state = bareState(input.state);
        const flow = flowOf(storage, state, mount.env);
        // The first that comes counts: a second could only be somebody else's.
        if (flow.mode === "device" || flow.posted) throw invalid(`${FAILED} Expired or missing OAuth state.`);
        if (input.code.length > MOST_CHARACTERS || input.id_token.length > MOST_CHARACTERS) throw invalid("code or id_token is too long");
        putFlow(storage, state, { ...flow, posted: { code: input.code, idToken: input.id_token } });
        return raw(postedPage(mount.fullPath, state, NO_CODE, input.error), HTML, 200, HTML_HEADERS);
      },
    },
  },
});

const MOST_CHARACTERS = 32_768;

/** The client itself ends the login. */
async function client(callback: Callback, flow: Flow, config: JwtConfig, storage: WriteStorage, mount: Mount, remoteAddress: string): Promise<Response> {
  const role = getRole(storage, flow.role);
  if (!role) return usedUp(`${FAILED} Role could not be found`);
  if (callback.error !== "") return usedUp(`${FAILED} ${errorOf(callback.error)}`);
  if (flow.clientNonce !== "" && !isSame(callback.client_nonce, flow.clientNonce)) return usedUp("invalid client_nonce");
  checkAddress(role, remoteAddress);
  try {
    const { claims, accessToken, oauth2 } = await known(callback.code, flow, config, role, mount.env.now());
    return await enter({ roleName: flow.role, role, config, claims, ...(accessToken !== undefined && { accessToken }), oauth2, remoteAddress }, mount);
  } catch (error) {
    if (error instanceof TokenRefused) return usedUp(`${FAILED} ${error.message}`);
    throw error;
  }
}

/** The browser comes; the client, which has the nonce, gets the token by oidc/poll. */
async function direct(callback: Callback, flow: Flow, config: JwtConfig, storage: WriteStorage, mount: Mount): Promise<Response> {
  const role = getRole(storage, flow.role);
  const refused = (why: string): Response => {
    putFlow(storage, callback.state, { ...flow, done: { refused: `${FAILED} ${why}` } });
    return raw(failedPage(why), HTML, 400, HTML_HEADERS);
  };
  if (!role) return refused("Role could not be found");
  if (callback.error !== "") return refused(errorOf(callback.error));
  if (!role.oidc_disable_confirmation && callback.confirmation === "") return raw(confirmPage(flow, callback), HTML, 200, HTML_HEADERS);
  try {
    const { claims, accessToken, oauth2 } = await known(callback.code, flow, config, role, mount.env.now());
    putFlow(storage, callback.state, { ...flow, done: { claims, ...(accessToken !== undefined && { accessToken }), oauth2 } });
    return raw(donePage(), HTML, 200, HTML_HEADERS);
  } catch (error) {
    if (error instanceof TokenRefused) return refused(error.message);
    throw error;
  }
}

const errorOf = (error: string): string => (PROVIDER_ERRORS.includes(error) ? error : "An unknown error occurred during OIDC authentication.");

/** Throws TokenRefused. */
async function known(given: string, flow: Flow, config: JwtConfig, role: JwtRole, now: number): Promise<Known> {
  const code = given === NO_CODE ? (flow.posted?.code ?? "") : given;
  const idToken = flow.posted?.idToken ?? "";
  if (code === "" && idToken === "") throw new TokenRefused("No code or id_token received.");
  const found = code === "" ? await identityOfPosted(idToken, flow, config, role, now) : await exchange(code, flow, config, role, now);
  if (role.bound_subject !== "" && found.claims["sub"] !== role.bound_subject) throw new TokenRefused("sub claim does not match bound subject");
  return found;
}

/** A refusal that is committed, unlike one that is thrown: the state must not be tried twice. */
export function usedUp(message: string): Response {
  return plain({ errors: [message] }, 400);
}
