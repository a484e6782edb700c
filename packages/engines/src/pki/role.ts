import { field, invalid, isBalanced, jsonCodec } from "@coffer/state-machine";
import type { Codec, InputOf, ReadStorage, WriteStorage } from "@coffer/state-machine";
import { isOid } from "./der.js";
import { parsePolicy } from "./extensions.js";
import { parseCidr } from "./general-names.js";
import { checkKeySize, checkSignatureBits } from "./key-material.js";
import { parseOtherSan } from "./names-allowed.js";

const list = (description: string) => field.commaList({ description, default: [] });
const flag = (description: string, value: boolean) => field.bool({ description, default: value });

/** Every setting of a role, with Vault's defaults. */
export const ROLE_SETTINGS = {
  ttl: field.duration({ description: "Life of a certificate for which none is asked. 0 means the mount's default.", default: 0 }),
  max_ttl: field.duration({ description: "The longest life of a certificate. 0 means the mount's maximum.", default: 0 }),
  allow_localhost: flag("Whether names may be localhost and localdomain, whatever allowed_domains says.", true),
  allowed_domains: list("Domains that certificates may be for; the other allow_* settings say how."),
  allowed_domains_template: flag("Whether allowed_domains holds identity templates.", false),
  allow_globs_in_identity_templates: flag("Whether what fills those templates may hold a `*`, which then stands for anything.", false),
  allow_bare_domains: flag("Whether an allowed domain itself may be had.", false),
  allow_subdomains: flag("Whether names below an allowed domain may be had, wildcards included.", false),
  allow_glob_domains: flag("Whether allowed domains may hold `*` for anything.", false),
  allow_wildcard_certificates: flag("Whether names with a wildcard label may be had at all.", true),
  allow_any_name: flag("Whether any name may be had.", false),
  enforce_hostnames: flag("Whether names must be well-formed host names.", true),
  allow_ip_sans: flag("Whether IP addresses may be alternative names.", true),
  allowed_ip_sans_cidr: list("Networks that those addresses must be in; none means any."),
  allowed_uri_sans: list("URIs that may be alternative names; `*` stands for anything."),
  allowed_uri_sans_template: flag("Whether allowed_uri_sans holds identity templates.", false),
  allowed_other_sans: list("Other alternative names that may be had, as <oid>;UTF8:<value>; `*` stands for anything."),
  allowed_serial_numbers: list("Serial numbers that the subject may have; `*` stands for anything."),
  allowed_user_ids: list("User ids that the subject may have; `*` stands for anything."),
  server_flag: flag("Whether certificates are for server authentication.", true),
  client_flag: flag("Whether certificates are for client authentication.", true),
  code_signing_flag: flag("Whether certificates are for code signing.", false),
  email_protection_flag: flag("Whether certificates are for e-mail protection.", false),
  key_type: field.string({ description: "Type of the key. `any` takes what a request for a signature brings.", default: "rsa" }),
  key_bits: field.int({ description: "Size of the key; 0 means the type's default. Of a key to be signed: the least.", default: 0 }),
  signature_bits: field.int({ description: "Bits of the signature's hash: 256, 384 or 512; 0 means as the issuer's key asks for.", default: 0 }),
  use_pss: flag("Whether RSA issuers sign with RSASSA-PSS.", false),
  key_usage: field.commaList({ description: "Key usages, by Go's names.", default: ["DigitalSignature", "KeyAgreement", "KeyEncipherment"] }),
  ext_key_usage: list("Extended key usages, by Go's names."),
  ext_key_usage_oids: list("Extended key usages, by object identifier."),
  use_csr_common_name: flag("Whether the common name is taken from the request that is signed.", true),
  use_csr_sans: flag("Whether alternative names are taken from the request that is signed.", true),
  serial_number_source: field.string({ description: "Where the subject's serial number may come from: `json-csr` or `json`.", default: "json-csr", allowed: ["json-csr", "json"] }),
  ou: list("Organizational units of the subject."),
  organization: list("Organizations of the subject."),
  country: list("Countries of the subject."),
  locality: list("Localities of the subject."),
  province: list("Provinces of the subject."),
  street_address: list("Street addresses of the subject."),
  postal_code: list("Postal codes of the subject."),
  generate_lease: flag("Whether a certificate comes with a lease, whose end revokes it.", false),
  no_store: flag("Whether certificates are not stored: they can neither be listed nor be revoked by serial number.", false),
  no_store_metadata: flag("Whether certificates take no metadata (cert_metadata).", false),
  require_cn: flag("Whether a common name must be given.", true),
  cn_validations: field.commaList({ description: "What a common name may be: `email`, `hostname`, or `disabled` for anything.", default: ["email", "hostname"] }),
  policy_identifiers: field.any({ description: "Certificate policies: object identifiers, or JSON of {oid, cps, notice}.", default: [] }),
  basic_constraints_valid_for_non_ca: flag("Whether certificates say that they are no CA's.", false),
  not_before_duration: field.duration({ description: "How long before its making a certificate begins.", default: 30 }),
  not_before: field.string({ description: "When certificates begin, as RFC 3339, rather than at their making.", default: "" }),
  not_before_bound: field.string({ description: "What callers may say of the beginning: `permit` anything, `duration` no more than not_before_duration ago, `forbid` nothing.", default: "permit", allowed: ["permit", "duration", "forbid"] }),
  not_after: field.string({ description: "When certificates end, as RFC 3339, rather than after a TTL.", default: "" }),
  not_after_bound: field.string({ description: "What callers may say of the end: `permit` anything, `ttl-limited` no later than the TTL, `forbid` nothing; or a time as RFC 3339, and no certificate ends later.", default: "permit" }),
  issuer_ref: field.string({ description: "Name or id of the issuer that signs.", default: "default" }),
};

type Settings = InputOf<typeof ROLE_SETTINGS>;

/** Stored as Vault shows it. */
export type Role = Omit<Settings, "policy_identifiers"> & { readonly policy_identifiers: readonly string[] };

/** What roles did not have at first. */
const ADDED = { allow_globs_in_identity_templates: false, not_before: "", not_before_bound: "permit", not_after_bound: "permit", no_store_metadata: false };
const json = jsonCodec<Role>();
const codec: Codec<Role> = { ...json, decode: (bytes) => ({ ...ADDED, ...json.decode(bytes) }) };
export const getRole = (storage: ReadStorage, name: string): Role | undefined => storage.get(`role/${name}`, codec);
export const putRole = (storage: WriteStorage, name: string, role: Role): void => storage.put(`role/${name}`, codec, role);
export const deleteRole = (storage: WriteStorage, name: string): void => storage.delete(`role/${name}`);
export const roleNames = (storage: ReadStorage, options: { readonly after: string; readonly limit: number }): Promise<string[]> => storage.list("role/", options);

/** A shell turns `key_usage=["A","B"]` into the text [A,B]: that is a list too. */
export function unbracket(values: readonly string[]): string[] {
  const first = values[0];
  const last = values[values.length - 1];
  if (!first?.startsWith("[") || !last?.endsWith("]")) return [...values];
  const inner = values.map((value, i) => value.slice(i === 0 ? 1 : 0, i === values.length - 1 ? -1 : undefined));
  return inner.map((value) => value.trim().replace(/^"(.*)"$/, "$1")).filter((value) => value !== "");
}

/** JSON of a list, a list of identifiers or of JSON, or commas. Throws RequestError 400. */
function policies(value: unknown): string[] {
  const items = typeof value === "string" ? (parseList(value) ?? value.split(",").map((one) => one.trim()).filter((one) => one !== "")) : value;
  if (!Array.isArray(items)) throw invalid("policy_identifiers must be a list");
  return (items as unknown[]).map((item) => {
    const text = typeof item === "string" ? item : JSON.stringify(item);
    if (!parsePolicy(text)) throw invalid(`${JSON.stringify(text)} could not be parsed as a valid oid for a policy identifier`);
    return text;
  });
}

function parseList(text: string): unknown {
  try {
    return text.trim().startsWith("[") ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

function checkCnValidations(values: readonly string[]): string[] {
  if (values.length === 0) return ["email", "hostname"];
  const lower = values.map((value) => value.toLowerCase());
  for (const [i, value] of lower.entries()) {
    if (!["disabled", "email", "hostname"].includes(value)) throw invalid(`cn_validations value incorrect: unknown type: \`${value}\``);
    if (lower.indexOf(value) !== i) throw invalid(`cn_validations value incorrect: \`${value}\` specified multiple times`);
  }
  if (lower.includes("disabled") && lower.length > 1) throw invalid("cn_validations value incorrect: cannot specify `disabled` along with `email` or `hostname`");
  return lower;
}

/** RFC 3339. Throws RequestError 400. Milliseconds since 1970. */
export function parseRfc3339(text: string, name: string): number {
  const ms = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(ms) || ms > MAX_TIME_MS || ms < 0) throw invalid(`${name} must be a time like 2030-01-02T15:04:05Z, got ${JSON.stringify(text)}`);
  return ms;
}

/** The last moment that X.509 can tell: 9999-12-31T23:59:59Z. */
export const MAX_TIME_MS = 253_402_300_799_000;

/** What is stored of the settings. Throws RequestError 400 naming what is wrong. */
export function toRole(settings: Settings): Role {
  const { ttl, max_ttl, key_type, signature_bits } = settings;
  if (max_ttl > 0 && ttl > max_ttl) throw invalid('"ttl" value must be less than "max_ttl" value');
  const keyBits = key_type === "any" ? checkAnyBits(settings.key_bits) : checkKeySize(key_type, settings.key_bits);
  checkSignatureBits(signature_bits);
  for (const id of settings.ext_key_usage_oids) if (!isOid(id)) throw invalid(`${JSON.stringify(id)} could not be parsed as a valid oid for an extended key usage`);
  checkTemplates(settings);
  if (settings.allowed_other_sans.join() !== "*") for (const san of settings.allowed_other_sans) parseOtherSan(san, "error parsing allowed_other_sans");
  if (settings.not_before !== "") parseRfc3339(settings.not_before, "not_before");
  if (settings.not_after !== "") parseRfc3339(settings.not_after, "not_after");
  if (!["permit", "ttl-limited", "forbid"].includes(settings.not_after_bound)) parseRfc3339(settings.not_after_bound, "not_after_bound");
  return {
    ...settings,
    key_bits: keyBits,
    allowed_ip_sans_cidr: settings.allowed_ip_sans_cidr.map((cidr) => {
      const network = parseCidr(cidr);
      if (!network) throw invalid(`error parsing allowed_ip_sans_cidr: invalid CIDR address: ${cidr}`);
      return network.text;
    }),
    key_usage: unbracket(settings.key_usage),
    ext_key_usage: unbracket(settings.ext_key_usage),
    cn_validations: checkCnValidations(settings.cn_validations),
    policy_identifiers: policies(settings.policy_identifiers),
    generate_lease: settings.no_store ? false : settings.generate_lease,
    issuer_ref: settings.issuer_ref === "" ? "default" : settings.issuer_ref,
  };
}

function checkTemplates({ allowed_domains, allowed_domains_template, allowed_uri_sans, allowed_uri_sans_template }: Settings): void {
  const templates = [...(allowed_domains_template ? allowed_domains : []), ...(allowed_uri_sans_template ? allowed_uri_sans : [])];
  const broken = templates.find((text) => !isBalanced(text));
  if (broken !== undefined) throw invalid(`${JSON.stringify(broken)}: unbalanced templating characters`);
}

function checkAnyBits(bits: number): number {
  if (![0, 224, 256, 384, 521, 2048, 3072, 4096, 8192].includes(bits)) throw invalid(`unsupported key_bits: ${bits}`);
  return bits;
}
