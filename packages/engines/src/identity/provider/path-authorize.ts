import { definePath, field, findTokenByText, identityOf, putAuthorizationCode } from "@coffer/state-machine";
import type { AuthorizationCode, EngineRequest, Environment, InputOf, Mount, RawResponse, ReadStorage, WriteStorage } from "@coffer/state-machine";
import { authorized, notAuthorized } from "./answers.js";
import type { AuthorizeError } from "./answers.js";
import { isAssigned } from "./assignment.js";
import { clientById, isRedirectOf } from "./client.js";
import type { Client } from "./client.js";
import { allows, getProvider } from "./provider.js";
import { OPENID } from "./scope.js";

const FIELDS = {
  name: field.name({ description: "Name of the provider.", required: true }),
  client_id: field.string({ description: "Id of the client that asks.", default: "" }),
  redirect_uri: field.string({ description: "Where the answer will be sent; one of the client's.", default: "" }),
  response_type: field.string({ description: "What is wanted: `code`.", default: "" }),
  scope: field.string({ description: "Names of scopes, with spaces between; `openid` has to be among them, and those that the provider does not support are passed over.", default: "" }),
  state: field.string({ description: "Comes back with the answer.", default: "" }),
  nonce: field.string({ description: "Comes back in the ID token.", default: "" }),
  max_age: field.int({ description: "Seconds since the login after which it does not count any more." }),
  prompt: field.string({ description: "Nobody is prompted here, whatever is asked for; `none` beside another value is refused.", default: "" }),
  code_challenge: field.string({ description: "PKCE (RFC 7636): what the code verifier will be held to. Public clients have to send one." }),
  code_challenge_method: field.string({ description: "How the challenge was made: `S256`, or `plain`, the default.", default: "" }),
};
type Request = EngineRequest<InputOf<typeof FIELDS>>;
type Refused = { readonly error: AuthorizeError; readonly description: string; readonly isStateless?: boolean };

const refuse = (error: AuthorizeError, description: string): Refused => ({ error, description });
const MIN_CHALLENGE = 43;
const MAX_CHALLENGE = 128;
const MS = 1000;

function authorize(request: Request, storage: WriteStorage, { env }: Mount): RawResponse {
  const found = judge(request, storage, env);
  const { state } = request.input;
  return "error" in found ? notAuthorized(found.error, found.description, found.isStateless ? "" : state) : authorized(putAuthorizationCode(storage, found, env), state);
}

// A read too: the code is kept.
const operation = { effect: "write", summary: "Get an authorization code.", handler: authorize } as const;

/** OpenID Connect Core 1.0, 3.1.2, for callers who have logged in: the token is the login. */
export const authorizePath = definePath({
  template: "oidc/provider/{name}/authorize",
  help: { synopsis: "Lets the caller log in to a client.", description: "Gives a code, good for five minutes and once, that the client exchanges for tokens which say who the caller is." },
  fields: FIELDS,
  operations: { read: operation, update: operation },
});

/** What the code will stand for, or what is wrong, in the order in which Vault tells. */
function judge(request: Request, storage: ReadStorage, env: Environment): AuthorizationCode | Refused {
  const { input, body, caller } = request;
  if (input.client_id === "") return refuse("invalid_client_id", "client_id parameter is required");
  const client = clientById(storage, input.client_id);
  if (!client) return refuse("invalid_client_id", "client with client_id not found");
  if (input.redirect_uri === "") return refuse("invalid_request", "redirect_uri parameter is required");
  if (!isRedirectOf(client, input.redirect_uri)) return refuse("invalid_redirect_uri", "redirect_uri is not allowed for the client");
  const provider = getProvider(storage, input.name);
  if (!provider) return refuse("invalid_request", "provider not found");
  if (!allows(provider, client.clientId)) return refuse("unauthorized_client", "client is not authorized to use the provider");
  if (Object.hasOwn(body, "request")) return { ...refuse("request_not_supported", "request parameter is not supported"), isStateless: true };
  if (Object.hasOwn(body, "request_uri")) return { ...refuse("request_uri_not_supported", "request_uri parameter is not supported"), isStateless: true };
  const scopes = [...new Set(input.scope.split(" ").filter((one) => one !== ""))].sort();
  if (!scopes.includes(OPENID)) return refuse("invalid_request", `scope parameter must contain the ${JSON.stringify(OPENID)} value`);
  if (input.response_type === "") return refuse("invalid_request", "response_type parameter is required");
  if (input.response_type !== "code") return refuse("unsupported_response_type", "unsupported response_type value");
  if (!caller || caller.entityId === "") return refuse("access_denied", "identity entity must be associated with the request");
  const identity = identityOf(storage, caller.entityId);
  if (!identity) return refuse("access_denied", "identity entity associated with the request not found");
  if (!isAssigned(storage, client.assignments, identity)) return refuse("access_denied", "identity entity not authorized by client assignment");
  const challenge = challengeOf(input, client);
  if (challenge !== null && "error" in challenge) return challenge;
  const prompts = input.prompt.split(" ").filter((one) => one !== "");
  if (prompts.includes("none") && prompts.length > 1) return refuse("invalid_request", "prompt=none cannot be combined with other values");
  const login = loginTime(request, storage, env);
  if (login !== null && typeof login !== "number") return login;
  return {
    provider: input.name, clientId: client.clientId, entityId: identity.entity.id, redirectUri: input.redirect_uri, nonce: input.nonce,
    scopes: scopes.filter((one) => one !== OPENID && provider.scopes.includes(one)), challenge, authTime: login,
  };
}

function challengeOf({ code_challenge: text, code_challenge_method: asked }: Request["input"], { clientSecret }: Client): AuthorizationCode["challenge"] | Refused {
  if (text === undefined) return clientSecret === null ? refuse("invalid_request", "PKCE is required for public clients") : null;
  const method = asked === "" ? "plain" : asked;
  if (method !== "plain" && method !== "S256") return refuse("invalid_request", "invalid code_challenge_method");
  if (text.length < MIN_CHALLENGE || text.length > MAX_CHALLENGE) return refuse("invalid_request", "invalid code_challenge");
  return { method, text };
}

/** When the caller logged in, where that matters. */
function loginTime({ input: { max_age: maxAge }, ownToken }: Request, storage: ReadStorage, env: Environment): number | null | Refused {
  if (maxAge === undefined) return null;
  if (maxAge < 1) return refuse("invalid_request", "max_age must be greater than zero");
  const token = findTokenByText(storage, ownToken ?? "", env);
  if (!token) return refuse("access_denied", "token associated with request not found");
  const age = Math.floor(env.now() / MS) - token.creationTime;
  return age > maxAge ? refuse("max_age_violation", "active re-authentication is required by max_age") : token.creationTime;
}
