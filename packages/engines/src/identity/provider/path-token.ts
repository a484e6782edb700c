import { createHash, timingSafeEqual } from "node:crypto";
import { definePath, field, identityOf, takeAuthorizationCode } from "@coffer/state-machine";
import type { AuthorizationCode, EngineRequest, Identity, InputOf, Mount, RawResponse, ReadStorage, WriteStorage } from "@coffer/state-machine";
import { maySignFor, signClaims, signingKey } from "../oidc-key.js";
import type { Algorithm, NamedKey } from "../oidc-key.js";
import { createAccessToken } from "./access-token.js";
import { noTokens, tokensGiven } from "./answers.js";
import type { TokenError } from "./answers.js";
import { isAssigned } from "./assignment.js";
import { clientById, isSecretOf } from "./client.js";
import type { Client } from "./client.js";
import { allows, getProvider, issuerOfProvider } from "./provider.js";
import type { Provider } from "./provider.js";
import { claimsOf } from "./scope.js";

const FIELDS = {
  name: field.name({ description: "Name of the provider.", required: true }),
  grant_type: field.string({ description: "What is exchanged: `authorization_code`.", default: "" }),
  code: field.string({ description: "The authorization code.", default: "", sensitive: true }),
  redirect_uri: field.string({ description: "As it was given to `authorize`.", default: "" }),
  code_verifier: field.string({ description: "PKCE (RFC 7636): what the code challenge was made of.", default: "", sensitive: true }),
  client_id: field.string({ description: "Id of the client; it, and the secret, may come by HTTP's Basic authentication as well.", default: "" }),
  client_secret: field.string({ description: "Secret of the client; a public one has none.", default: "", sensitive: true }),
};
type Request = EngineRequest<InputOf<typeof FIELDS>>;
interface Refused {
  readonly error: TokenError;
  readonly description: string;
}

const refuse = (error: TokenError, description: string): Refused => ({ error, description });
const MS = 1000;

/** RFC 6749, 4.1.3, and OpenID Connect Core 1.0, 3.1.3. */
export const providerTokenPath = definePath({
  template: "oidc/provider/{name}/token",
  help: { synopsis: "Gives a client tokens for an authorization code.", description: "An ID token that says who logged in, and an access token for userinfo. A code is used up by the first exchange that its provider's clients try, whether that succeeds or not." },
  fields: FIELDS,
  operations: {
    update: {
      effect: "write", access: "none", summary: "Exchange a code for tokens.",
      handler: async (request, storage, mount): Promise<RawResponse> => {
        const made = await exchange(request, storage, mount);
        return "error" in made ? noTokens(made.error, made.description) : tokensGiven(made);
      },
    },
  },
});

async function exchange(request: Request, storage: WriteStorage, mount: Mount): Promise<Parameters<typeof tokensGiven>[0] | Refused> {
  const { input } = request;
  const provider = getProvider(storage, input.name);
  if (!provider) return refuse("invalid_request", "provider not found");
  const client = clientOf(request, storage);
  if ("error" in client) return client;
  if (!allows(provider, client.clientId)) return refuse("invalid_client", "client is not authorized to use the provider");
  const key = await signingKey(storage, client.key, mount.env);
  // A key that clients name cannot be deleted.
  if (!key || !maySignFor(key, client.clientId)) return refuse("invalid_client", "client is not authorized to use the key");
  if (input.grant_type !== "authorization_code") return refuse("unsupported_grant_type", "unsupported grant_type or parameter is empty value");
  if (input.code === "") return refuse("invalid_request", "code parameter is required");
  const code = takeAuthorizationCode(storage, input.code, mount.env);
  const problem = code ? problemWith(code, input, client) : refuse("invalid_grant", "authorization grant is invalid or expired");
  if (problem) return problem;
  const identity = identityOf(storage, code!.entityId);
  if (!identity) return refuse("invalid_request", "identity entity associated with the request not found");
  if (!isAssigned(storage, client.assignments, identity)) return refuse("invalid_request", "identity entity not authorized by client assignment");
  return tokensFor({ provider, client, key, code: code!, identity }, input.code, storage, mount);
}

/** The client, where it is who it says it is. */
function clientOf({ headers, input }: Request, storage: ReadStorage): Client | Refused {
  const basic = basicCredentials(headers["authorization"]);
  const { id, secret } = basic ?? { id: input.client_id, secret: input.client_secret };
  if (!basic && id === "") return refuse("invalid_request", "client_id parameter is required");
  const client = clientById(storage, id);
  return client && (client.clientSecret === null || isSecretOf(client, secret)) ? client : refuse("invalid_client", "client failed to authenticate");
}

/** Both are form-encoded in there (RFC 6749, 2.3.1). */
function basicCredentials(header: string | undefined): { readonly id: string; readonly secret: string } | undefined {
  const [, encoded] = /^Basic +(\S+)$/i.exec(header ?? "") ?? [];
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? "", "base64").toString("utf8")) ?? [];
  return id === undefined || secret === undefined ? undefined : { id: formDecoded(id), secret: formDecoded(secret) };
}

function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

/** What the code was not given for. */
function problemWith({ clientId, provider, redirectUri, challenge }: AuthorizationCode, input: Request["input"], client: Client): Refused | undefined {
  if (clientId !== client.clientId) return refuse("invalid_grant", "authorization code was not issued to the client");
  if (provider !== input.name) return refuse("invalid_grant", "authorization code was not issued by the provider");
  if (input.redirect_uri === "") return refuse("invalid_request", "redirect_uri parameter is required");
  if (redirectUri !== input.redirect_uri) return refuse("invalid_grant", "redirect_uri does not match the redirect_uri used in the authorization request");
  if (!challenge) return input.code_verifier === "" ? undefined : refuse("invalid_request", "unexpected code_verifier for token exchange");
  if (input.code_verifier === "") return refuse("invalid_request", "expected code_verifier for token exchange");
  return isVerifier(input.code_verifier, challenge) ? undefined : refuse("invalid_grant", "invalid code_verifier for token exchange");
}

function isVerifier(verifier: string, { method, text }: NonNullable<AuthorizationCode["challenge"]>): boolean {
  const shown = Buffer.from(method === "plain" ? verifier : createHash("sha256").update(verifier).digest("base64url"));
  const wanted = Buffer.from(text);
  return shown.length === wanted.length && timingSafeEqual(shown, wanted);
}

interface Login {
  readonly provider: Provider;
  readonly client: Client;
  readonly key: NamedKey;
  readonly code: AuthorizationCode;
  readonly identity: Identity;
}

async function tokensFor({ provider, client, key, code, identity }: Login, codeText: string, storage: WriteStorage, mount: Mount): Promise<Parameters<typeof tokensGiven>[0] | Refused> {
  const { clientId, accessTokenTtlSeconds: ttlSeconds, idTokenTtlSeconds } = client;
  const { nonce, authTime, scopes } = code;
  const sub = identity.entity.id;
  const made = claimsOf(storage, scopes, identity, mount.env.now());
  if ("conflict" in made) return refuse("invalid_request", made.conflict);
  const accessToken = createAccessToken(storage, { provider: provider.name, clientId, entityId: sub, scopes }, client, mount);
  const iat = Math.floor(mount.env.now() / MS);
  const claims = {
    ...made.claims, iss: issuerOfProvider(provider, mount), sub, aud: clientId, iat, exp: iat + idTokenTtlSeconds, namespace: "root",
    at_hash: halfHash(key.algorithm, accessToken), c_hash: halfHash(key.algorithm, codeText),
    ...(nonce !== "" && { nonce }),
    ...(authTime !== null && { auth_time: authTime }),
  };
  return { accessToken, idToken: await signClaims(key, claims), ttlSeconds };
}

/** Ed25519 signs with SHA-512. */
const HASHES = Object.freeze({ RS256: "sha256", RS384: "sha384", RS512: "sha512", ES256: "sha256", ES384: "sha384", ES512: "sha512", EdDSA: "sha512" } as const satisfies Record<Algorithm, string>);

/** OpenID Connect Core 1.0, 3.1.3.6. */
function halfHash(algorithm: Algorithm, text: string): string {
  const sum = createHash(HASHES[algorithm]).update(text).digest();
  return sum.subarray(0, sum.length / 2).toString("base64url");
}
