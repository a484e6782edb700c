import { invalid } from "@coffer/state-machine";
import { importPKCS8, SignJWT } from "jose";
import { jsonObject, outgoing } from "../outgoing/request.js";
import { TokenRefused } from "../web-tokens/signature.js";
import type { Claims } from "../web-tokens/signature.js";
import { claimAt } from "./claims.js";
import type { Asked } from "./provider-config.js";
import type { JwtConfig, JwtRole } from "./storage.js";

/** Google Workspace: groups and custom schemas of a user, by the Admin SDK's Directory API. */
interface GoogleSettings {
  readonly account: { readonly client_email: string; readonly private_key: string; readonly token_uri: string };
  readonly impersonate: string;
  readonly fetchGroups: boolean;
  readonly fetchUserInfo: boolean;
  readonly depth: number;
  readonly schemas: string;
  readonly domain: string;
  readonly apiUrl: string;
}

const SCOPES = ["https://www.googleapis.com/auth/admin.directory.group.readonly", "https://www.googleapis.com/auth/admin.directory.user.readonly"];
const API_URL = "https://admin.googleapis.com";
const KNOWN: readonly string[] = ["provider", "gsuite_service_account", "gsuite_admin_impersonate", "fetch_groups", "fetch_user_info", "groups_recurse_max_depth", "user_custom_schemas", "domain", "gsuite_api_url"];
/** Of one user, at any depth: more would be a mistake, or somebody who wants us busy. */
const MOST_GROUPS = 2000;
const ASSERTION_SECONDS = 300;
const MS = 1000;

/** Throws RequestError 400. */
export function checkGoogle(config: Readonly<Record<string, unknown>>): void {
  const strange = Object.keys(config).find((name) => !KNOWN.includes(name));
  if (strange !== undefined) throw invalid(`invalid provider_config: ${JSON.stringify(strange)} is not supported`);
  settingsOf(config);
}

function settingsOf(config: Readonly<Record<string, unknown>>): GoogleSettings {
  const bad = (name: string, what: string) => invalid(`invalid provider_config: ${name} must be ${what}`);
  const text = (name: string): string => {
    const value = config[name] ?? "";
    if (typeof value !== "string") throw bad(name, "a string");
    return value;
  };
  const flag = (name: string): boolean => {
    const value = config[name] ?? false;
    if (![true, false, "true", "false"].includes(value as string)) throw bad(name, "true or false");
    return value === true || value === "true";
  };
  const depth = Number(config["groups_recurse_max_depth"] ?? 0);
  if (!Number.isInteger(depth) || depth < 0 || depth > 20) throw bad("groups_recurse_max_depth", "an integer from 0 to 20");
  const account = jsonObject(text("gsuite_service_account"));
  const { client_email: email, private_key: key, token_uri: tokenUri = "https://oauth2.googleapis.com/token" } = account ?? {};
  if (typeof email !== "string" || typeof key !== "string" || typeof tokenUri !== "string" || !URL.canParse(tokenUri)) throw bad("gsuite_service_account", "the contents of a service account's key file, in JSON");
  const apiUrl = (text("gsuite_api_url") || API_URL).replace(/\/+$/, "");
  if (!URL.canParse(apiUrl)) throw bad("gsuite_api_url", "a URL");
  return {
    account: { client_email: email, private_key: key, token_uri: tokenUri },
    impersonate: text("gsuite_admin_impersonate"), fetchGroups: flag("fetch_groups"), fetchUserInfo: flag("fetch_user_info"), depth, schemas: text("user_custom_schemas"), domain: text("domain"), apiUrl,
  };
}

/** By the configuration, which is the same object as long as nobody writes it. */
const accessTokens = new WeakMap<JwtConfig, { readonly token: string; readonly until: number }>();

/** Throws TokenRefused. */
export async function askGoogle(config: JwtConfig, role: JwtRole, claims: Claims, now: number): Promise<Asked> {
  const settings = settingsOf(config.provider_config);
  const wantsGroups = settings.fetchGroups && role.groups_claim !== "";
  const wantsUser = settings.fetchUserInfo && settings.schemas !== "";
  if (!wantsGroups && !wantsUser) return { claims };
  const user = claimAt(claims, role.user_claim);
  if (typeof user !== "string") throw new TokenRefused(`unable to locate ${JSON.stringify(role.user_claim)} in claims`);
  const token = await accessToken(config, settings, now);
  const get = (path: string, query: Readonly<Record<string, string>>) => directory(settings, token, path, query);
  const schemas = wantsUser ? (await get(`users/${encodeURIComponent(user)}`, { projection: "custom", customFieldMask: settings.schemas, fields: "customSchemas" }))["customSchemas"] : undefined;
  const more = schemas !== null && typeof schemas === "object" ? (schemas as Claims) : {};
  // What was signed stays as it was signed.
  return { claims: { ...more, ...claims }, ...(wantsGroups && { groups: await groupsOf(settings, user, get) }) };
}

type Get = (path: string, query: Readonly<Record<string, string>>) => Promise<Readonly<Record<string, unknown>>>;

async function groupsOf({ domain, depth }: GoogleSettings, user: string, get: Get): Promise<readonly string[]> {
  const found = new Set<string>();
  let members = [user];
  for (let level = 0; level <= depth && members.length > 0; level++) {
    const next: string[] = [];
    for (const member of members) {
      for (let pageToken = "", isFirst = true; isFirst || pageToken !== ""; isFirst = false) {
        const answer = await get("groups", { userKey: member, fields: "nextPageToken,groups(email)", ...(domain !== "" && { domain }), ...(pageToken !== "" && { pageToken }) });
        for (const group of Array.isArray(answer["groups"]) ? (answer["groups"] as readonly unknown[]) : []) {
          const { email } = (group ?? {}) as { readonly email?: unknown };
          if (typeof email !== "string" || found.has(email)) continue;
          found.add(email);
          next.push(email);
        }
        if (found.size > MOST_GROUPS) throw new TokenRefused(`the user has more than ${MOST_GROUPS} groups`);
        pageToken = typeof answer["nextPageToken"] === "string" && answer["nextPageToken"] !== pageToken ? answer["nextPageToken"] : "";
      }
    }
    members = next;
  }
  return [...found];
}

async function directory({ apiUrl }: GoogleSettings, token: string, path: string, query: Readonly<Record<string, string>>): Promise<Readonly<Record<string, unknown>>> {
  const answer = await outgoing({ url: `${apiUrl}/admin/directory/v1/${path}?${new URLSearchParams(query)}`, headers: { authorization: `Bearer ${token}` } }).catch((error: Error) => {
    throw new TokenRefused(`unable to call the Google Workspace Directory API: ${error.message}`);
  });
  const body = answer.status === 200 ? jsonObject(answer.text) : undefined;
  if (!body) throw new TokenRefused(`unable to call the Google Workspace Directory API: status ${answer.status}`);
  return body;
}

/** By an assertion that the service account signs (RFC 7523), for the administrator that it may stand for. */
async function accessToken(config: JwtConfig, { account, impersonate }: GoogleSettings, now: number): Promise<string> {
  const known = accessTokens.get(config);
  if (known && known.until > now) return known.token;
  const seconds = Math.floor(now / MS);
  const refused = (error: Error): never => {
    throw new TokenRefused(`unable to get an access token of Google's: ${error.message}`);
  };
  const key = await importPKCS8(account.private_key, "RS256").catch(() => refused(new Error("private_key of the service account is no PKCS #8 key")));
  const assertion = await new SignJWT({ scope: SCOPES.join(" ") })
    .setProtectedHeader({ alg: "RS256", typ: "JWT" })
    .setIssuer(account.client_email)
    .setAudience(account.token_uri)
    .setSubject(impersonate || account.client_email)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + ASSERTION_SECONDS)
    .sign(key);
  const body = new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion }).toString();
  const { status, text } = await outgoing({ url: account.token_uri, method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body }).catch(refused);
  const answer = jsonObject(text) ?? {};
  if (status !== 200 || typeof answer["access_token"] !== "string") return refused(new Error(`status ${status}`));
  const lifetime = typeof answer["expires_in"] === "number" ? answer["expires_in"] : ASSERTION_SECONDS;
  accessTokens.set(config, { token: answer["access_token"], until: now + (lifetime - 60) * MS });
  return answer["access_token"];
}
