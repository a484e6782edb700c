import { timingSafeEqual } from "node:crypto";
import { jsonObject, outgoing } from "../outgoing/request.js";
import { audiencesOf, checkExpected } from "../web-tokens/expected.js";
import { TokenRefused } from "../web-tokens/signature.js";
import type { Claims } from "../web-tokens/signature.js";
import { discover, trustOf, verifyFrom } from "./key-sets.js";
import type { Discovery } from "./key-sets.js";
import { leewaysOf } from "./login.js";
import { postForm } from "./post-form.js";
import type { FormAnswer } from "./post-form.js";
import { redeemOnce } from "./redeem-once.js";
import type { Flow, JwtConfig, JwtRole } from "./storage.js";

/** Of an ID token where the configuration names none (OpenID Connect Core, 3.1.3.7). */
const DEFAULT_ALGORITHMS = ["RS256"];
const MS = 1000;

/** Who logged in, as the provider says. */
export interface Known {
  readonly claims: Claims;
  readonly accessToken: string | undefined;
  /** Those of its tokens that the role wants to be metadata, by the names that they get there. */
  readonly oauth2: Readonly<Record<string, string>>;
}

const couldNot = (error: Error): never => {
  throw new TokenRefused(`Error exchanging oidc code: ${JSON.stringify(error.message)}.`);
};

/** Trades an authorization code for what the provider says of the user. Throws TokenRefused. `now` in milliseconds. */
export async function exchange(code: string, flow: Flow, config: JwtConfig, role: JwtRole, now: number): Promise<Known> {
  const provider = await discover(config.oidc_discovery_url, trustOf(config), now).catch(couldNot);
  const tokens = await redeemOnce(`${flow.nonce} ${code}`, () => tokensFor(code, flow, config, provider)).catch(couldNot);
  return identityFrom(tokens, flow.nonce, config, role, provider, now).catch((error: Error) => {
    if (!(error instanceof TokenRefused)) throw error;
    return couldNot(error);
  });
}

/** What an ID token that the browser brought says of the user. Throws TokenRefused. */
export async function identityOfPosted(idToken: string, flow: Flow, config: JwtConfig, role: JwtRole, now: number): Promise<Known> {
  const { nonce: _nonce, ...claims } = await verified(idToken, flow.nonce, config, role, now);
  return { claims, accessToken: undefined, oauth2: wantedTokens(role, { idToken, accessToken: undefined, refreshToken: undefined }) };
}

export interface Tokens {
  readonly idToken: string;
  readonly accessToken: string | undefined;
  readonly refreshToken: string | undefined;
}

/** What the provider did not give is empty. */
function wantedTokens({ oauth2_metadata: names }: JwtRole, { idToken, accessToken = "", refreshToken = "" }: Tokens): Readonly<Record<string, string>> {
  const tokens: Readonly<Record<string, string>> = { id_token: idToken, access_token: accessToken, refresh_token: refreshToken };
  return Object.fromEntries((names ?? []).map((name) => [`oauth2_${name}`, tokens[name] ?? ""]));
}

/** What the tokens say. Without a nonce (of a device) that of the ID token does not matter. Throws TokenRefused. */
export async function identityFrom(tokens: Tokens, wantedNonce: string | undefined, config: JwtConfig, role: JwtRole, provider: Discovery, now: number): Promise<Known> {
  const { idToken, accessToken } = tokens;
  const claims = await verified(idToken, wantedNonce, config, role, now);
  const { nonce: _nonce, ...rest } = claims;
  return { claims: { ...rest, ...(await userInfo(accessToken, config, provider, claims)) }, accessToken, oauth2: wantedTokens(role, tokens) };
}

async function tokensFor(code: string, flow: Flow, config: JwtConfig, provider: Discovery): Promise<Tokens> {
  const { status, answer } = await askTokenEndpoint({ grant_type: "authorization_code", code, redirect_uri: flow.redirectUri, code_verifier: flow.codeVerifier }, config, provider);
  if (status !== 200) throw new Error(`unable to exchange auth code with provider: status ${status}${typeof answer["error"] === "string" ? `, ${answer["error"]}` : ""}`);
  return tokensIn(answer);
}

export async function askTokenEndpoint(fields: Readonly<Record<string, string>>, config: JwtConfig, provider: Discovery): Promise<FormAnswer> {
  if (provider.token_endpoint === undefined) throw new Error("the provider has no token_endpoint");
  return postForm(provider.token_endpoint, fields, config, provider);
}

/** Throws TokenRefused. */
export function tokensIn(answer: Readonly<Record<string, unknown>>): Tokens {
  if (typeof answer["id_token"] !== "string") throw new TokenRefused("id_token is missing from auth code exchange");
  const text = (name: string) => (typeof answer[name] === "string" ? answer[name] : undefined);
  return { idToken: answer["id_token"], accessToken: text("access_token"), refreshToken: text("refresh_token") };
}

/** OpenID Connect Core, 3.1.3.7. Throws TokenRefused. */
async function verified(idToken: string, wantedNonce: string | undefined, config: JwtConfig, role: JwtRole, now: number): Promise<Claims> {
  const { oidc_discovery_url: url, oidc_client_id: id } = config;
  const algorithms = config.jwt_supported_algs.length > 0 ? config.jwt_supported_algs : DEFAULT_ALGORITHMS;
  const claims = await verifyFrom({ kind: "discovery", url, ...trustOf(config) }, idToken, algorithms, now);
  checkExpected(claims, { issuer: url, subject: "", audiences: role.bound_audiences ?? [], leeways: leewaysOf(role) }, now);
  const audiences = audiencesOf(claims);
  if (!audiences.includes(id)) throw new TokenRefused("invalid id_token audiences: the client id is not among them");
  if (audiences.length > 1 && claims["azp"] !== undefined && claims["azp"] !== id) throw new TokenRefused("invalid id_token: authorized party is not equal client_id");
  if (typeof claims["exp"] !== "number" || typeof claims["sub"] !== "string") throw new TokenRefused("invalid id_token: missing claim");
  const { nonce } = claims;
  if (wantedNonce !== undefined && (typeof nonce !== "string" || !isSame(nonce, wantedNonce))) throw new TokenRefused("invalid id_token nonce");
  if (role.max_age > 0) {
    const { auth_time: at } = claims;
    if (typeof at !== "number") throw new TokenRefused("missing auth_time claim when max age was requested");
    if (now / MS - at > role.max_age + MAX_AGE_SKEW_SECONDS) throw new TokenRefused("auth_time is beyond max age");
  }
  return claims;
}

const MAX_AGE_SKEW_SECONDS = 60;

export function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** What the provider adds to the ID token. Nothing where it cannot be had: the login does not depend on it. */
async function userInfo(accessToken: string | undefined, config: JwtConfig, { userinfo_endpoint: url }: Discovery, claims: Claims): Promise<Claims> {
  if (accessToken === undefined || url === undefined) return {};
  try {
    const { status, text } = await outgoing({ url, headers: { authorization: `Bearer ${accessToken}` }, ...trustOf(config) });
    const info = status === 200 ? jsonObject(text) : undefined;
    // Another subject would be another user (OpenID Connect Core, 5.3.2). What was signed stays as it was signed.
    return info && info["sub"] === claims["sub"] ? Object.fromEntries(Object.entries(info).filter(([name]) => !SIGNED.includes(name))) : {};
  } catch {
    return {};
  }
}

const SIGNED: readonly string[] = ["iss", "aud", "exp", "iat", "nbf", "nonce", "azp", "auth_time"];
