import { invalid, resolveTemplate } from "@coffer/state-machine";
import type { TemplateSubject } from "@coffer/state-machine";
import type { PublicKey } from "./public-key.js";
import type { CaRole } from "./storage.js";

/** What a role lets its callers ask for. Each throws RequestError 400, and gives what the certificate says. */
const listOf = (text: string): readonly string[] => [...new Set(text.split(",").map((one) => one.trim()).filter((one) => one !== ""))];

function isHostAllowed(role: CaRole, allowed: readonly string[], host: string): boolean {
  return allowed.some((domain) => (role.allow_bare_domains && host === domain) || (role.allow_subdomains && host.endsWith(`.${domain}`)));
}

/** Whose identity fills a role's templates. */
export type IdentityOf = () => TemplateSubject | undefined;

const COMMA = /,/;
const NOTHING = /(?!)/;

/** Of a list with templates; one that has no value allows nothing, and one value names one principal unless the role says otherwise. */
function filledList(role: CaRole, text: string, identityOf: IdentityOf): readonly string[] {
  const filled = listOf(text).flatMap((one) => resolveTemplate(one, identityOf(), role.allow_commas_in_identity_templates ? NOTHING : COMMA) ?? []);
  return listOf(filled.join());
}

/** Throws RequestError 400 where there is nobody to fill it for. */
function filled(text: string, identityOf: IdentityOf): string {
  const value = resolveTemplate(text, identityOf(), NOTHING);
  if (value === undefined) throw invalid(`template '${text}' could not be rendered -> no value could be found for one of the template directives`);
  return value;
}

function defaultUser(role: CaRole, identityOf: IdentityOf): string {
  return role.default_user_template ? filled(role.default_user, identityOf) : role.default_user;
}

export function principals(role: CaRole, type: "user" | "host", asked: string | undefined, identityOf: IdentityOf): readonly string[] {
  const allowedText = type === "host" ? role.allowed_domains : role.allowed_users;
  const isTemplate = type === "host" ? role.allowed_domains_template : role.allowed_users_template;
  const wanted = listOf(asked ?? (type === "user" ? defaultUser(role, identityOf) : ""));
  if (wanted.length === 0) {
    if (!role.allow_empty_principals && allowedText !== "*") throw invalid("refusing to issue unsafe, globally-valid certificate with no principals specified; set valid_principals or default_user");
    return [];
  }
  const allowed = isTemplate ? filledList(role, allowedText, identityOf) : listOf(allowedText);
  if (allowed.length === 0) throw invalid("role is not configured to allow any principals");
  if (allowedText === "*") return wanted;
  const strange = wanted.find((one) => (type === "host" ? !isHostAllowed(role, allowed, one) : !allowed.includes(one)));
  if (strange !== undefined) throw invalid(`${strange} is not a valid value for valid_principals`);
  return wanted;
}

export function certificateType(role: CaRole, asked: string): "user" | "host" {
  if (asked !== "user" && asked !== "host") throw invalid("cert_type must be either 'user' or 'host'");
  if (!(asked === "user" ? role.allow_user_certificates : role.allow_host_certificates)) throw invalid(`cert_type '${asked}' is not allowed by role`);
  return asked;
}

export interface Ttls {
  readonly defaultLeaseTtlSeconds: number;
  readonly maxLeaseTtlSeconds: number;
}

/** Seconds. What is asked for must be allowed; what the role or the mount says is cut to the maximum. */
export function ttl(role: CaRole, asked: number | undefined, mount: Ttls): number {
  const most = role.max_ttl || mount.maxLeaseTtlSeconds;
  const wanted = (asked ?? role.ttl) || mount.defaultLeaseTtlSeconds;
  if (wanted > most && asked !== undefined) throw invalid(`ttl is larger than maximum allowed ${most}`);
  return Math.min(wanted, most);
}

function texts(name: string, map: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => {
      if (typeof value === "object" && value !== null) throw invalid(`${name}: the value of ${JSON.stringify(key)} is no text`);
      return [key, value === null || value === undefined ? "" : String(value as string)];
    }),
  );
}

export function criticalOptions(role: CaRole, asked: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  if (Object.keys(asked).length === 0) return role.default_critical_options;
  const options = texts("critical_options", asked);
  const allowed = listOf(role.allowed_critical_options);
  const strange = role.allowed_critical_options === "" ? [] : Object.keys(options).filter((one) => !allowed.includes(one));
  if (strange.length > 0) throw invalid(`critical options not on allowed list: [${strange.join(" ")}]`);
  return options;
}

const NOBODY_WARNING =
  "default_extension templating enabled with at least one extension requiring identity templating. However, this request lacked identity entity information, causing one or more extensions to be skipped from the generated certificate.";

interface Granted {
  readonly extensions: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/** Those with templates are left out for who has no entity. */
function defaultExtensions(role: CaRole, identityOf: IdentityOf): Granted {
  if (!role.default_extensions_template) return { extensions: role.default_extensions, warnings: [] };
  const entries = Object.entries(role.default_extensions);
  const kept = identityOf() ? entries : entries.filter(([, value]) => !value.includes("{{"));
  return { extensions: Object.fromEntries(kept.map(([name, value]) => [name, filled(value, identityOf)])), warnings: kept.length < entries.length ? [NOBODY_WARNING] : [] };
}

export function extensions(role: CaRole, asked: Readonly<Record<string, unknown>>, identityOf: IdentityOf): Granted {
  if (Object.keys(asked).length === 0) return defaultExtensions(role, identityOf);
  const wanted = texts("extensions", asked);
  const allowed = listOf(role.allowed_extensions);
  const strange = role.allowed_extensions === "*" ? [] : Object.keys(wanted).filter((one) => !allowed.includes(one));
  if (strange.length > 0) throw invalid(`extensions [${strange.join(" ")}] are not on allowed list`);
  return { extensions: wanted, warnings: [] };
}

/** By any name that allowed_user_key_lengths may have them under. */
function sizesFor(role: CaRole, names: readonly string[]): { readonly isAllowed: boolean; readonly sizes: (readonly [name: string, size: number])[] } {
  const found = names.filter((name) => Object.hasOwn(role.allowed_user_key_lengths, name));
  return { isAllowed: found.length > 0, sizes: found.flatMap((name) => role.allowed_user_key_lengths[name]!.map((size) => [name, size] as const)) };
}

export function checkKey(role: CaRole, { kind, type, bits }: PublicKey): void {
  if (Object.keys(role.allowed_user_key_lengths).length === 0) return;
  const fail = (why: string) => invalid(`public_key failed to meet the key requirements: ${why}`);
  const { isAllowed, sizes } = sizesFor(role, kind === "ecdsa" ? ["ecdsa", "ec", type] : [kind, type]);
  if (!isAllowed) throw fail(`key of type ${kind} is not allowed`);
  // A type that names its curve, and Ed25519, have one size only.
  const isSized = (name: string) => kind === "rsa" || name === "ecdsa" || name === "ec";
  if (!sizes.some(([name, size]) => !isSized(name) || size === bits)) throw fail(`key is of an invalid size: ${bits}`);
}

/** Of a key that is to be generated. */
export function checkKeySpec(role: CaRole, type: string, bits: number): void {
  if (Object.keys(role.allowed_user_key_lengths).length === 0) return;
  const curve = { 256: "ecdsa-sha2-nistp256", 384: "ecdsa-sha2-nistp384", 521: "ecdsa-sha2-nistp521" }[bits];
  const names = type === "ec" ? ["ec", "ecdsa", ...(curve === undefined ? [] : [curve])] : type === "rsa" || type === "ed25519" ? [type, `ssh-${type}`] : [];
  const { isAllowed, sizes } = sizesFor(role, names);
  if (!isAllowed) throw invalid("provided key_type value not in allowed_user_key_types");
  if (!sizes.some(([, size]) => size === bits)) throw invalid("provided key_bits value not in list of role's allowed_user_key_types");
}
