import { raw } from "@coffer/state-machine";
import type { RawResponse } from "@coffer/state-machine";

/** Answers of the endpoints that OIDC clients speak to: JSON without Vault's envelope. */
const json = (body: unknown, status: number, headers: Readonly<Record<string, string>> = {}) => raw(JSON.stringify(body), "application/json", status, headers);

/** OpenID Connect Core 1.0, 3.1.2.5 and 3.1.2.6: the caller makes the redirect of it. */
export const authorized = (code: string, state: string): RawResponse => json({ code, state }, 200);
export const notAuthorized = (error: AuthorizeError, description: string, state: string): RawResponse => json({ error, error_description: description, state }, 400);

/** The codes in the second row are Vault's own: they are for its page, never for the client. */
export type AuthorizeError =
  | "invalid_request" | "access_denied" | "unauthorized_client" | "unsupported_response_type" | "request_not_supported" | "request_uri_not_supported"
  | "invalid_client_id" | "invalid_redirect_uri" | "max_age_violation";

/** RFC 6749, 5.1: nobody on the way may keep tokens. */
const UNKEPT = { "Cache-Control": "no-store", Pragma: "no-cache" };

export interface Tokens {
  readonly accessToken: string;
  readonly idToken: string;
  /** Of the access token. */
  readonly ttlSeconds: number;
}

export const tokensGiven = ({ accessToken, idToken, ttlSeconds }: Tokens): RawResponse =>
  json({ access_token: accessToken, expires_in: ttlSeconds, id_token: idToken, token_type: "Bearer" }, 200, UNKEPT);

/** RFC 6749, 5.2. */
export type TokenError = "invalid_request" | "invalid_client" | "invalid_grant" | "unsupported_grant_type";

export function noTokens(error: TokenError, description: string): RawResponse {
  const isUnknown = error === "invalid_client";
  return json({ error, error_description: description }, isUnknown ? 401 : 400, { ...UNKEPT, ...(isUnknown && { "WWW-Authenticate": "Basic" }) });
}

export const userInfo = (claims: Readonly<Record<string, unknown>>): RawResponse => json(claims, 200);

const USER_INFO_STATUS = Object.freeze({ invalid_request: 400, invalid_token: 401, access_denied: 403 });

/** RFC 6750, 3. */
export function noUserInfo(error: keyof typeof USER_INFO_STATUS, description: string): RawResponse {
  const challenge: Readonly<Record<string, string>> = error === "access_denied" ? {} : { "WWW-Authenticate": `Bearer error=${JSON.stringify(error)},error_description=${JSON.stringify(description)}` };
  return json({ error, error_description: description }, USER_INFO_STATUS[error], challenge);
}
