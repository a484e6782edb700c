import { readFile } from "node:fs/promises";
import { importPKCS8, SignJWT } from "jose";
import { jsonObject, outgoing } from "../outgoing/request.js";
import type { OutgoingRequest } from "../outgoing/request.js";
import { TokenRefused } from "../web-tokens/signature.js";
import type { JwtConfig } from "./storage.js";

/**
 * How Google is told who we are: by the key of a service account that the configuration has, or by Google's default credentials, which
 * may stand for another service account.
 * Sources: https://cloud.google.com/docs/authentication/application-default-credentials,
 * https://cloud.google.com/iam/docs/reference/credentials/rest, https://cloud.google.com/compute/docs/metadata/overview, RFC 7523.
 */
export interface ServiceAccount {
  readonly client_email: string;
  readonly private_key: string;
  readonly token_uri: string;
}

export interface GoogleAccess {
  /** Undefined: the default credentials. */
  readonly account: ServiceAccount | undefined;
  /** The service account that the default credentials stand for; empty: for none. */
  readonly principal: string;
  /** The administrator of the Workspace whom the account stands for; empty: nobody. */
  readonly subject: string;
  /** Where all of Google's APIs are, instead of at their own addresses; empty: there. */
  readonly ownUrl: string;
}

const SCOPES = ["https://www.googleapis.com/auth/admin.directory.group.readonly", "https://www.googleapis.com/auth/admin.directory.user.readonly"];
/** Of who asks to stand for another. */
const IAM_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"];
const TOKEN_URL = "https://oauth2.googleapis.com/token";
const IAM_URL = "https://iamcredentials.googleapis.com";
const METADATA_HOST = "metadata.google.internal";
const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ASSERTION_SECONDS = 300;
const SPARE_SECONDS = 60;
const MS = 1000;

interface Granted {
  readonly token: string;
  readonly seconds: number;
}

/** A service account's key file. Undefined for anything else. */
export function serviceAccount(text: string): ServiceAccount | undefined {
  const { client_email: email, private_key: key, token_uri: tokenUri = TOKEN_URL } = jsonObject(text) ?? {};
  if (typeof email !== "string" || typeof key !== "string" || typeof tokenUri !== "string" || !URL.canParse(tokenUri)) return undefined;
  return { client_email: email, private_key: key, token_uri: tokenUri };
}

/** By the configuration, which is the same object as long as nobody writes it. */
const accessTokens = new WeakMap<JwtConfig, { readonly token: string; readonly until: number }>();

/** For the Directory API. Throws TokenRefused. `now` in milliseconds. */
export async function accessToken(config: JwtConfig, access: GoogleAccess, now: number): Promise<string> {
  const known = accessTokens.get(config);
  if (known && known.until > now) return known.token;
  try {
    const { token, seconds } = await grantFor(access, now);
    accessTokens.set(config, { token, until: now + (seconds - SPARE_SECONDS) * MS });
    return token;
  } catch (error) {
    throw new TokenRefused(`unable to get an access token of Google's: ${error instanceof Error ? error.message : "unknown error"}`);
  }
}

function grantFor(access: GoogleAccess, now: number): Promise<Granted> {
  if (access.account) return byAccount(access.account, SCOPES, access.subject, now);
  return access.principal === "" ? byDefault(SCOPES, now) : byImpersonation(access, now);
}

const claimsOf = (issuer: string, subject: string, audience: string, scopes: readonly string[], now: number) => {
  const iat = Math.floor(now / MS);
  return { iss: issuer, sub: subject || issuer, aud: audience, scope: scopes.join(" "), iat, exp: iat + ASSERTION_SECONDS };
};

/** By an assertion that the account's own key signs. */
async function byAccount({ client_email, private_key, token_uri }: ServiceAccount, scopes: readonly string[], subject: string, now: number): Promise<Granted> {
  const key = await importPKCS8(private_key, "RS256").catch(() => {
    throw new Error("private_key of the service account is no PKCS #8 key");
  });
  return exchange(token_uri, await new SignJWT(claimsOf(client_email, subject, token_uri, scopes, now)).setProtectedHeader({ alg: "RS256", typ: "JWT" }).sign(key));
}

/** A key file that the environment names, or who this machine of Google's is. */
async function byDefault(scopes: readonly string[], now: number): Promise<Granted> {
  const path = process.env["GOOGLE_APPLICATION_CREDENTIALS"] ?? "";
  if (path === "") return fromMetadata(scopes);
  const account = serviceAccount(await readFile(path, "utf8").catch(() => ""));
  if (!account) throw new Error("GOOGLE_APPLICATION_CREDENTIALS names no key file of a service account; other kinds of credentials are not supported");
  return byAccount(account, scopes, "", now);
}

async function fromMetadata(scopes: readonly string[]): Promise<Granted> {
  const host = process.env["GCE_METADATA_HOST"] || METADATA_HOST;
  const url = `http://${host}/computeMetadata/v1/instance/service-accounts/default/token?${new URLSearchParams({ scopes: scopes.join(",") })}`;
  return granted(await ask({ url, headers: { "metadata-flavor": "Google" } }));
}

/** As another service account: with its own rights, or, by an assertion that Google signs as it, as an administrator. */
async function byImpersonation({ principal, subject, ownUrl }: GoogleAccess, now: number): Promise<Granted> {
  const { token } = await byDefault(IAM_SCOPES, now);
  const call = (method: string, body: object) =>
    ask({ url: `${ownUrl || IAM_URL}/v1/projects/-/serviceAccounts/${encodeURIComponent(principal)}:${method}`, method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: JSON.stringify(body) });
  if (subject === "") {
    const { accessToken: text, expireTime } = await call("generateAccessToken", { scope: SCOPES, lifetime: "3600s" });
    return granted({ access_token: text, expires_in: typeof expireTime === "string" ? (Date.parse(expireTime) - now) / MS : undefined });
  }
  const tokenUrl = ownUrl === "" ? TOKEN_URL : `${ownUrl}/token`;
  // The audience is Google's own, wherever it is reached.
  const { signedJwt } = await call("signJwt", { payload: JSON.stringify(claimsOf(principal, subject, TOKEN_URL, SCOPES, now)) });
  if (typeof signedJwt !== "string") throw new Error("signJwt answered without a token");
  return exchange(tokenUrl, signedJwt);
}

async function exchange(url: string, assertion: string): Promise<Granted> {
  return granted(await ask({ url, method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams({ grant_type: JWT_BEARER, assertion }).toString() }));
}

/** Throws an error without header and body. */
async function ask(request: OutgoingRequest): Promise<Readonly<Record<string, unknown>>> {
  const { status, text } = await outgoing(request);
  const answer = status === 200 ? jsonObject(text) : undefined;
  if (!answer) throw new Error(`${new URL(request.url).pathname}: status ${status}`);
  return answer;
}

function granted({ access_token: token, expires_in: seconds }: Readonly<Record<string, unknown>>): Granted {
  if (typeof token !== "string" || token === "") throw new Error("the answer has no access token");
  return { token, seconds: typeof seconds === "number" && Number.isFinite(seconds) ? seconds : ASSERTION_SECONDS };
}
