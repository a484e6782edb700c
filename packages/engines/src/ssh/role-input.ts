import { field, invalid, isBalanced } from "@coffer/state-machine";
import type { InputOf } from "@coffer/state-machine";
import { parseCidrList } from "./cidr-list.js";
import type { CaRole, OtpRole, Role } from "./storage.js";

const text = (description: string) => field.string({ description, default: "" });
const flag = (description: string) => field.bool({ description, default: false });

export const ROLE_SETTINGS = {
  key_type: text("What is handed out: `ca` for certificates, `otp` for one-time passwords."),
  default_user: text("User whom nobody names; with otp it is required."),
  default_user_template: flag("Whether default_user holds identity templates."),
  cidr_list: text("Networks of the hosts; for otp."),
  exclude_cidr_list: text("Networks within them that are left out; for otp."),
  port: field.int({ description: "Port that is told to who connects; for otp.", default: 22 }),
  allowed_users: text("Users that may be asked for, by commas; `*` for any. With ca an empty list allows none."),
  allowed_users_template: flag("Whether allowed_users holds identity templates."),
  allowed_domains: text("Domains of hosts, by commas; `*` for any."),
  allowed_domains_template: flag("Whether allowed_domains holds identity templates."),
  ttl: field.duration({ description: "How long certificates are valid where nobody asks otherwise.", default: 0 }),
  max_ttl: field.duration({ description: "How long certificates are valid at most.", default: 0 }),
  allowed_critical_options: text("Critical options that may be asked for, by commas; empty allows any."),
  allowed_extensions: text("Extensions that may be asked for, by commas; `*` for any, empty for none."),
  default_critical_options: field.map({ description: "Critical options where none are asked for.", default: {} }),
  default_extensions: field.map({ description: "Extensions where none are asked for.", default: {} }),
  default_extensions_template: flag("Whether values of default_extensions hold identity templates."),
  allow_user_certificates: flag("Whether certificates of users are signed."),
  allow_host_certificates: flag("Whether certificates of hosts are signed."),
  allow_bare_domains: flag("Whether hosts may be named as a domain of allowed_domains itself."),
  allow_subdomains: flag("Whether hosts may be named below the domains of allowed_domains."),
  allow_user_key_ids: flag("Whether callers may choose the key id."),
  allow_empty_principals: flag("Whether certificates without principals, which are good for anybody, are signed."),
  key_id_format: text("Key id, with `{{token_display_name}}`, `{{role_name}}` and `{{public_key_hash}}`."),
  allowed_user_key_lengths: field.map({ description: "Kinds of keys that are signed, each with its size or sizes in bits.", default: {} }),
  algorithm_signer: text("How an RSA key signs: default (rsa-sha2-256), rsa-sha2-256, rsa-sha2-512 or ssh-rsa."),
  not_before_duration: field.duration({ description: "How long before now certificates begin to be valid.", default: 30 }),
  allow_commas_in_identity_templates: flag("Whether what fills a template of allowed_users may hold commas, and so name several."),
  issuer_ref: field.string({ description: "Name or id of the issuer that signs, or `default`.", default: "default" }),
};
type RoleInput = InputOf<typeof ROLE_SETTINGS>;

const ALGORITHMS = ["default", "ssh-rsa", "rsa-sha2-256", "rsa-sha2-512"] as const;
const MOST_PORT = 65_535;

function otpRole(input: RoleInput): OtpRole {
  if (input.default_user === "") throw invalid("missing default user");
  if (input.port < 0 || input.port > MOST_PORT) throw invalid("invalid port");
  const { default_user, cidr_list, exclude_cidr_list, allowed_users } = input;
  return { default_user, cidr_list, exclude_cidr_list, key_type: "otp", port: input.port || 22, allowed_users };
}

/** Values as text, as Vault takes them. */
function texts(name: string, map: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => {
      if (typeof value === "object" && value !== null) throw invalid(`${name}: the value of ${JSON.stringify(key)} is no text`);
      return [key, value === null || value === undefined ? "" : String(value as string)];
    }),
  );
}

function lengths(map: Readonly<Record<string, unknown>>): Record<string, readonly number[]> {
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => {
      const items = Array.isArray(value) ? (value as unknown[]) : typeof value === "string" ? value.split(",") : [value];
      const numbers = items.map((item) => (typeof item === "number" || (typeof item === "string" && /^\s*\d+\s*$/.test(item)) ? Number(item) : Number.NaN));
      if (numbers.some((one) => !Number.isSafeInteger(one) || one < 0)) throw invalid(`error processing allowed_user_key_lengths: the size of ${JSON.stringify(key)} is no number`);
      return [key, numbers];
    }),
  );
}

function caRole(input: RoleInput): CaRole {
  if (!input.allow_user_certificates && !input.allow_host_certificates) throw invalid("Either 'allow_user_certificates' or 'allow_host_certificates' must be set to 'true'");
  if (input.ttl !== 0 && input.max_ttl !== 0 && input.ttl > input.max_ttl) throw invalid('"ttl" value must be less than "max_ttl" when both are specified');
  const algorithm = ALGORITHMS.find((one) => one === (input.algorithm_signer || "default"));
  if (algorithm === undefined) throw invalid(`unknown algorithm signer ${JSON.stringify(input.algorithm_signer)}`);
  const extensions = texts("default_extensions", input.default_extensions);
  const templated = { allowed_users: input.allowed_users, allowed_domains: input.allowed_domains, default_user: input.default_user, default_extensions: Object.values(extensions).join() };
  for (const [name, value] of Object.entries(templated)) if (input[`${name as keyof typeof templated}_template`] && !isBalanced(value)) throw invalid(`${name}: unbalanced templating characters`);
  const { port: _port, cidr_list: _cidrs, exclude_cidr_list: _excluded, ...settings } = input;
  return {
    ...settings,
    key_type: "ca",
    default_critical_options: texts("default_critical_options", input.default_critical_options),
    default_extensions: extensions,
    allowed_user_key_lengths: lengths(input.allowed_user_key_lengths),
    algorithm_signer: algorithm,
    issuer_ref: input.issuer_ref || "default",
  };
}

/** Throws RequestError 400. */
export function toRole(input: RoleInput): Role {
  for (const name of ["cidr_list", "exclude_cidr_list"] as const) if (!parseCidrList(input[name])) throw invalid(`failed to validate ${name}`);
  const type = input.key_type.toLowerCase();
  if (type === "") throw invalid("missing key type");
  if (type === "dynamic") throw invalid("dynamic key type roles are no longer supported");
  if (type === "otp") return otpRole(input);
  if (type === "ca") return caRole(input);
  throw invalid("invalid key type");
}
