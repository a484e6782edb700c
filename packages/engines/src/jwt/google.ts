import { invalid } from "@coffer/state-machine";
import { jsonObject, outgoing } from "../outgoing/request.js";
import { TokenRefused } from "../web-tokens/signature.js";
import type { Claims } from "../web-tokens/signature.js";
import { claimAt } from "./claims.js";
import { accessToken, serviceAccount } from "./google-credentials.js";
import type { GoogleAccess } from "./google-credentials.js";
import type { Asked } from "./provider-config.js";
import type { JwtConfig, JwtRole } from "./storage.js";

/** Google Workspace: groups and custom schemas of a user, by the Admin SDK's Directory API. */
interface GoogleSettings extends GoogleAccess {
  readonly fetchGroups: boolean;
  readonly fetchUserInfo: boolean;
  readonly depth: number;
  readonly schemas: string;
  readonly domain: string;
}

const API_URL = "https://admin.googleapis.com";
const KNOWN: readonly string[] = ["provider", "gsuite_service_account", "gsuite_admin_impersonate", "impersonate_principal", "fetch_groups", "fetch_user_info", "groups_recurse_max_depth", "user_custom_schemas", "domain", "gsuite_api_url"];
/** Of one user, at any depth: more would be a mistake, or somebody who wants us busy. */
const MOST_GROUPS = 2000;

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
  const keyFile = text("gsuite_service_account");
  const account = keyFile === "" ? undefined : serviceAccount(keyFile);
  if (keyFile !== "" && !account) throw bad("gsuite_service_account", "the contents of a service account's key file, in JSON");
  const principal = text("impersonate_principal");
  if (principal !== "" && !/^[\w.+-]+@[\w.-]+$/.test(principal)) throw bad("impersonate_principal", "the email address of a service account");
  const ownUrl = text("gsuite_api_url").replace(/\/+$/, "");
  if (ownUrl !== "" && !URL.canParse(ownUrl)) throw bad("gsuite_api_url", "a URL");
  return {
    account, principal, subject: text("gsuite_admin_impersonate"), ownUrl,
    fetchGroups: flag("fetch_groups"), fetchUserInfo: flag("fetch_user_info"), depth, schemas: text("user_custom_schemas"), domain: text("domain"),
  };
}

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

async function directory({ ownUrl }: GoogleSettings, token: string, path: string, query: Readonly<Record<string, string>>): Promise<Readonly<Record<string, unknown>>> {
  const answer = await outgoing({ url: `${ownUrl || API_URL}/admin/directory/v1/${path}?${new URLSearchParams(query)}`, headers: { authorization: `Bearer ${token}` } }).catch((error: Error) => {
    throw new TokenRefused(`unable to call the Google Workspace Directory API: ${error.message}`);
  });
  const body = answer.status === 200 ? jsonObject(answer.text) : undefined;
  if (!body) throw new TokenRefused(`unable to call the Google Workspace Directory API: status ${answer.status}`);
  return body;
}
