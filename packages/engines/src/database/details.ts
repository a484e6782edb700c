import { parseDuration } from "@coffer/hcl";
import { ConnectionError } from "./plugin.js";
import type { Details } from "./storage.js";

/** Reads `connection_details`: fields have checked them, so that what is read here has the right shape or is not there. */
export function text(details: Details, name: string): string {
  const value = details[name];
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

export function integer(details: Details, name: string): number {
  const value = Number(details[name] ?? 0);
  return Number.isSafeInteger(value) ? value : 0;
}

export function flag(details: Details, name: string): boolean {
  return details[name] === true || ["true", "1", "t", "T", "TRUE", "True"].includes(String(details[name] ?? ""));
}

export interface PoolSize {
  readonly open: number;
  readonly idle: number;
}

const DEFAULT_OPEN = 4;
const MAX_OPEN = 100;

/** Zero means the default, as in Vault; a negative number, which is without a limit there, is a hundred here. */
export function poolSize(details: Details): PoolSize {
  const open = clamp(integer(details, "max_open_connections") || DEFAULT_OPEN);
  const idle = integer(details, "max_idle_connections") || open;
  return { open, idle: Math.max(0, Math.min(idle, open)) };
}

const clamp = (open: number) => (open < 0 ? MAX_OPEN : Math.min(open, MAX_OPEN));

/** Seconds; 0: as long as it lasts. Throws ConnectionError. */
export function maxLifetimeSeconds(details: Details): number {
  const given = details["max_connection_lifetime"] ?? 0;
  const seconds = parseDuration(String(given) || "0");
  if (seconds === undefined || seconds < 0) throw new ConnectionError(`invalid max_connection_lifetime: ${JSON.stringify(given)}`);
  return seconds;
}

const MAX_URL = 4096;
const TEMPLATE_VARIABLE = /\{\{(username|password)\}\}/g;

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** Throws ConnectionError for a username or password that would itself be a template. */
export function loginOf(details: Details): Login {
  const login = { username: text(details, "username"), password: text(details, "password") };
  if (Object.values(login).some((value) => value.search(TEMPLATE_VARIABLE) >= 0)) throw new ConnectionError("username and/or password cannot contain the template variables");
  return login;
}

/** Fills `{{username}}` and `{{password}}` in. */
export const withLogin = (template: string, login: Login) => template.replace(TEMPLATE_VARIABLE, (_whole, key: keyof Login) => login[key]);

/** Throws ConnectionError. */
export function connectionUrl(details: Details): string {
  const url = text(details, "connection_url");
  if (url === "") throw new ConnectionError("connection_url cannot be empty");
  if (url.length > MAX_URL) throw new ConnectionError(`connection_url has at most ${MAX_URL} characters`);
  return url;
}

/** The same address, with `xxxxx` for a password that stands in it. A template stays. */
export function redactUrl(url: string): string {
  const at = url.lastIndexOf("@");
  const start = url.includes("://") ? url.indexOf("://") + 3 : 0;
  const colon = at < 0 ? -1 : url.indexOf(":", start);
  if (colon >= 0 && colon < at && url.slice(colon + 1, at) !== "{{password}}") return `${url.slice(0, colon)}:xxxxx${url.slice(at)}`;
  return url.replace(/(^|\s)(password=)(?!\{\{password\}\})('[^']*'|\S+)/g, "$1$2xxxxx");
}

export const hasPassword = (url: string) => redactUrl(url) !== url;
