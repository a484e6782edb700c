import { definePath, field, invalid, plain } from "@coffer/state-machine";
import type { Environment, ReadStorage, Response, WriteStorage } from "@coffer/state-machine";
import { TokenRefused } from "../web-tokens/signature.js";
import { exchange, isSame } from "./code-exchange.js";
import { checkAddress, enter } from "./login.js";
import { FLOW_FOLDER, getConfig, getFlow, getRole } from "./storage.js";
import type { Flow } from "./storage.js";

/** Errors of a provider (RFC 6749, 4.1.2.1) that are passed on. Others could be any text. */
const PROVIDER_ERRORS: readonly string[] = ["invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope", "server_error", "temporarily_unavailable"];
const FAILED = "Vault login failed.";

export const callbackPath = definePath({
  template: "oidc/callback",
  help: { synopsis: "Ends a login by browser.", description: "What the provider gave the browser comes here, from the client that began the login. Whatever comes of it, the state is used up." },
  fields: {
    state: field.string({ description: "State of the login, as it came back from the provider.", query: true, default: "" }),
    code: field.string({ description: "Authorization code, as it came from the provider.", query: true, default: "", sensitive: true }),
    client_nonce: field.string({ description: "The text that the login was begun with.", query: true, default: "", sensitive: true }),
    error: field.string({ description: "Why the provider refused.", query: true, default: "" }),
    error_description: field.string({ description: "More about the error, for people.", query: true, default: "" }),
  },
  operations: {
    read: {
      effect: "write",
      access: "none",
      summary: "End a login by browser.",
      roleOf: ({ input }, storage) => flowOf(storage, input.state)?.role,
      async handler({ input, remoteAddress }, storage, mount) {
        const config = getConfig(storage);
        if (!config) throw invalid(`${FAILED} Could not load configuration`);
        const flow = take(storage, input.state, mount.env);
        const role = getRole(storage, flow.role);
        if (!role) return usedUp(`${FAILED} Role could not be found`);
        if (input.error !== "") return usedUp(`${FAILED} ${PROVIDER_ERRORS.includes(input.error) ? input.error : "An unknown error occurred during OIDC authentication."}`);
        if (flow.clientNonce !== "" && !isSame(input.client_nonce, flow.clientNonce)) return usedUp("invalid client_nonce");
        checkAddress(role, remoteAddress);
        if (input.code === "") return usedUp(`${FAILED} No code or id_token received.`);
        try {
          const claims = await exchange(input.code, flow, config, role, mount.env.now());
          if (role.bound_subject !== "" && claims["sub"] !== role.bound_subject) return usedUp(`${FAILED} sub claim does not match bound subject`);
          return enter({ roleName: flow.role, role, config, claims, remoteAddress }, mount);
        } catch (error) {
          if (error instanceof TokenRefused) return usedUp(`${FAILED} ${error.message}`);
          throw error;
        }
      },
    },
  },
});

const STATE = /^st_[a-z0-9]+$/;

/** The namespace that was put into the state is the client's concern. */
const stateOf = (given: string): string => given.split(",ns=")[0]!;

function flowOf(storage: ReadStorage, given: string): Flow | undefined {
  return STATE.test(stateOf(given)) ? getFlow(storage, stateOf(given)) : undefined;
}

/** The login that a state belongs to; there is none any more when the request is committed. Throws RequestError 400. */
function take(storage: WriteStorage, given: string, { now }: Environment): Flow {
  const flow = flowOf(storage, given);
  if (!flow || flow.expiresAt <= now()) throw invalid(`${FAILED} Expired or missing OAuth state.`);
  storage.delete(FLOW_FOLDER + stateOf(given));
  return flow;
}

/** A refusal that is committed, unlike one that is thrown: the state must not be tried twice. */
function usedUp(message: string): Response {
  return plain({ errors: [message] }, 400);
}

const SLICE = 100;

/** Forgets logins that nobody ended. */
export async function forgetExpired(storage: WriteStorage, { now }: Environment): Promise<boolean> {
  const oldest = await storage.list(FLOW_FOLDER, { limit: SLICE });
  const over = oldest.filter((state) => Number.parseInt(state.slice("st_".length, "st_".length + TIME_DIGITS), 36) <= now());
  for (const state of over) storage.delete(FLOW_FOLDER + state);
  return over.length === SLICE;
}

const TIME_DIGITS = 9;
