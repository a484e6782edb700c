import { domainToASCII } from "node:url";
import { invalid } from "@coffer/state-machine";
import type { OtherName } from "./general-names.js";
import { isOid } from "./der.js";

/** What of a role decides about names. */
export interface NameRules {
  readonly allow_localhost: boolean;
  readonly allowed_domains: readonly string[];
  readonly allow_bare_domains: boolean;
  readonly allow_subdomains: boolean;
  readonly allow_glob_domains: boolean;
  readonly allow_wildcard_certificates: boolean;
  readonly allow_any_name: boolean;
  readonly enforce_hostnames: boolean;
  readonly cn_validations: readonly string[];
}

const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
/** With a wildcard as its first label at most. */
const HOSTNAME = new RegExp(`^(?:\\*\\.)?(?:${LABEL}\\.)*${LABEL}\\.?$`);
/** One `*`, alone or inside of a label (RFC 6125, 6.4.3). */
const WILDCARD_LABEL = new RegExp(`^(?:\\*|\\*${LABEL}|${LABEL}\\*|${LABEL}\\*${LABEL})$`);
const ASCII = /^[\x00-\x7f]*$/;

/** `*` stands for anything; everything else for itself. */
export function globMatches(pattern: string, text: string): boolean {
  const parts = pattern.split("*");
  const first = parts[0]!;
  if (parts.length === 1) return pattern === text;
  const last = parts[parts.length - 1]!;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** A name as DNS has it (IDNA); undefined for one that DNS cannot have. */
export function toAscii(name: string): string | undefined {
  const converted = ASCII.test(name) ? name : domainToASCII(name);
  const labels = (converted.endsWith(".") ? converted.slice(0, -1) : converted).split(".");
  return converted === "" || converted.length > 254 || labels.some((label) => label === "" || label.length > 63) ? undefined : converted;
}

export const isHostname = (name: string): boolean => HOSTNAME.test(name);

interface NameParts {
  /** Without the user of an e-mail address, or the wildcard's label. */
  readonly reduced: string;
  readonly isEmail: boolean;
  readonly wildcard: string | undefined;
}

/** Undefined for what no role allows: two `@`, two `*`, a `*` that is not in the first label, an address with one. */
function split(name: string): NameParts | undefined {
  const at = name.split("@");
  if (at.length > 2) return undefined;
  const isEmail = at.length === 2;
  const host = at[at.length - 1]!;
  if (!host.includes("*")) return { reduced: host, isEmail, wildcard: undefined };
  const dot = host.indexOf(".");
  const label = dot < 0 ? host : host.slice(0, dot);
  const reduced = dot < 0 ? "" : host.slice(dot + 1);
  return isEmail || reduced.includes("*") || label.split("*").length !== 2 ? undefined : { reduced, isEmail, wildcard: label };
}

const isBelow = (name: string, domain: string) => name.endsWith(`.${domain}`);

/** Whether a role allows a DNS name or an e-mail address. */
export function isNameAllowed(rules: NameRules, name: string): boolean {
  const parts = split(name);
  if (!parts) return false;
  const { reduced, isEmail, wildcard } = parts;
  if (wildcard !== undefined && !rules.allow_wildcard_certificates) return false;
  if (rules.enforce_hostnames) {
    const converted = reduced === "" ? "" : toAscii(reduced);
    if (converted === undefined || (converted !== "" && !HOSTNAME.test(converted))) return false;
    if (wildcard !== undefined && !WILDCARD_LABEL.test(wildcard)) return false;
  }
  if (rules.allow_any_name) return true;
  if (rules.allow_localhost && LOCAL.some((local) => reduced === local && (wildcard === undefined || rules.allow_subdomains))) return true;
  if (rules.allow_localhost && rules.allow_subdomains && LOCAL.some((local) => isBelow(reduced, local))) return true;
  return rules.allowed_domains.some((domain) => {
    if (domain === "") return false;
    const lower = domain.toLowerCase();
    if (rules.allow_bare_domains && (name.toLowerCase() === lower || (isEmail && reduced.toLowerCase() === lower))) return true;
    if (rules.allow_subdomains && (isBelow(reduced, domain) || (wildcard !== undefined && reduced.toLowerCase() === lower))) return true;
    return rules.allow_glob_domains && domain.includes("*") && globMatches(domain, name);
  });
}

const LOCAL = ["localhost", "localdomain"] as const;

export function isCommonNameAllowed(rules: NameRules, name: string): boolean {
  if (rules.cn_validations.includes("disabled")) return true;
  return isNameAllowed(rules, name) && rules.cn_validations.includes(name.includes("@") ? "email" : "hostname");
}

/** "<oid>;UTF8:<value>". Throws RequestError 400, with `what` in front. */
export function parseOtherSan(text: string, what: string): OtherName {
  const semicolon = text.indexOf(";");
  if (semicolon < 0) throw invalid(`${what}: expected a semicolon in other SAN ${JSON.stringify(text)}`);
  const colon = text.indexOf(":", semicolon);
  if (colon < 0) throw invalid(`${what}: expected a colon in other SAN ${JSON.stringify(text)}`);
  const type = text.slice(semicolon + 1, colon).toLowerCase();
  if (type !== "utf8" && type !== "utf-8") throw invalid(`${what}: only utf8 other SANs are supported; found non-supported type in other SAN ${JSON.stringify(text)}`);
  const id = text.slice(0, semicolon);
  if (!isOid(id)) throw invalid(`${what}: ${JSON.stringify(id)} is not an object identifier`);
  return { oid: id, value: text.slice(colon + 1) };
}
