import { createSecureContext } from "node:tls";
import { X509Certificate } from "node:crypto";
import { field, invalid, roleTokens, shownTokens } from "@coffer/state-machine";
import type { InputOf, RoleTokens, TokenInput } from "@coffer/state-machine";
import { automatedRotation, NOT_ROTATED, shownRotation } from "../rotation/automated.js";
import type { AutomatedRotation, automatedRotationFields } from "../rotation/automated.js";

export const TLS_VERSIONS = { tls10: "TLSv1", tls11: "TLSv1.1", tls12: "TLSv1.2", tls13: "TLSv1.3" } as const;
export const DEREFERENCING = { never: "never", finding: "find", searching: "search", always: "always" } as const;
type TlsVersionName = keyof typeof TLS_VERSIONS;

export const configFields = {
  url: field.string({ description: "Servers, as ldap:// or ldaps:// URLs between commas; the first that answers is asked. Default ldap://127.0.0.1." }),
  userdn: field.string({ description: "Where users are, such as ou=people,dc=example,dc=org." }),
  userattr: field.string({ description: "Attribute that holds a user's name. Default cn." }),
  userfilter: field.string({ description: "Filter that finds a user; {{.UserAttr}} and {{.Username}} stand for what they say. Default ({{.UserAttr}}={{.Username}})." }),
  upndomain: field.string({ description: "Users log in as NAME@DOMAIN, as Active Directory has it." }),
  enable_samaccountname_login: field.bool({ description: "With upndomain, and where users are searched for, finds them by sAMAccountName too." }),
  binddn: field.string({ description: "DN of the account that searches." }),
  bindpass: field.string({ description: "Password of the account that searches. It is not shown again.", sensitive: true }),
  discoverdn: field.bool({ description: "Searches for the user's DN without an account." }),
  deny_null_bind: field.bool({ description: "Refuses logins without a password, which many servers take for anonymous ones. True unless it is turned off." }),
  groupdn: field.string({ description: "Where groups are." }),
  groupfilter: field.string({ description: "Filter that finds a user's groups; {{.UserDN}} and {{.Username}} stand for what they say. Default (|(memberUid={{.Username}})(member={{.UserDN}})(uniqueMember={{.UserDN}}))." }),
  groupattr: field.string({ description: "Attribute of what that finds that names a group. Default cn." }),
  anonymous_group_search: field.bool({ description: "Searches for groups without an account." }),
  use_token_groups: field.bool({ description: "Takes groups from the tokenGroups of Active Directory, nested ones too, instead of searching." }),
  case_sensitive_names: field.bool({ description: "Tells users and groups apart by the case of their names." }),
  username_as_alias: field.bool({ description: "Names the alias by what was typed, instead of by the attribute of the user." }),
  starttls: field.bool({ description: "Turns an ldap:// connection into an encrypted one before anything else." }),
  insecure_tls: field.bool({ description: "Does not check the server's certificate. Whoever stands in between can read passwords." }),
  certificate: field.string({ description: "CA of the server's certificate, PEM. Default: those that the machine trusts." }),
  client_tls_cert: field.string({ description: "Certificate to show to the server, PEM." }),
  client_tls_key: field.string({ description: "Its key, PEM. It is not shown again.", sensitive: true }),
  tls_min_version: field.string({ description: "Lowest version of TLS: tls10, tls11, tls12 or tls13. Default tls12." }),
  tls_max_version: field.string({ description: "Highest version of TLS. Default tls12." }),
  request_timeout: field.duration({ description: "How long an answer of the server may take. Default 90s." }),
  connection_timeout: field.duration({ description: "How long connecting may take before the next URL is tried. Default 30s." }),
  dereference_aliases: field.string({ description: "When searches follow aliases: never (the default), finding, searching or always." }),
  max_page_size: field.int({ description: "Asks for groups in pages of this size; 0 means in one." }),
  use_pre111_group_cn_behavior: field.bool({ description: "Kept for compatibility: takes the name of a group from a DN only where CN is written in capitals." }),
  password_policy: field.string({ description: "Policy by which a new password of the account that searches is made. Default: the server's own rules." }),
  rotation_url: field.string({ description: "Servers at which that password is changed, where they are others." }),
  rotation_schema: field.string({ description: "How it is changed: openldap, by the attribute userPassword. Vault's ad and racf are not served." }),
};

type ConfigInput = InputOf<typeof configFields>;

/** Under the names of the wire; times in seconds. */
export type LdapSettings = { readonly [N in keyof typeof configFields]: Exclude<ConfigInput[N], undefined> };

export interface LdapConfig {
  readonly settings: LdapSettings;
  readonly tokens: RoleTokens;
  /** Of `bindpass`, by itself. Absent: written before there was any. */
  readonly rotation?: AutomatedRotation;
}

const DEFAULTS: LdapSettings = Object.freeze({
  url: "ldap://127.0.0.1", userdn: "", userattr: "cn", userfilter: "({{.UserAttr}}={{.Username}})", upndomain: "", binddn: "", bindpass: "", discoverdn: false,
  deny_null_bind: true, groupdn: "", groupfilter: "(|(memberUid={{.Username}})(member={{.UserDN}})(uniqueMember={{.UserDN}}))", groupattr: "cn", anonymous_group_search: false,
  use_token_groups: false, case_sensitive_names: false, username_as_alias: false, starttls: false, insecure_tls: false, certificate: "", client_tls_cert: "", client_tls_key: "",
  tls_min_version: "tls12", tls_max_version: "tls12", request_timeout: 90, connection_timeout: 30, dereference_aliases: "never", max_page_size: 0, use_pre111_group_cn_behavior: false,
  enable_samaccountname_login: false, password_policy: "", rotation_url: "", rotation_schema: "openldap",
});

export const defaultConfig = (): LdapConfig => ({ settings: DEFAULTS, tokens: roleTokens({}) });

/** With the fields that there were not when it was written. */
export const completed = (config: LdapConfig): LdapConfig => ({ ...config, settings: { ...DEFAULTS, ...config.settings } });

/** What a request changes of a configuration. Throws RequestError 400. */
export function changeConfig(before: LdapConfig, input: Partial<ConfigInput> & TokenInput & Partial<InputOf<typeof automatedRotationFields>>, nowMs: number): LdapConfig {
  const given = Object.fromEntries(Object.keys(configFields).map((name) => [name, input[name as keyof ConfigInput]]).filter(([, value]) => value !== undefined)) as Partial<LdapSettings>;
  const joined: LdapSettings = { ...before.settings, ...given };
  const settings = { ...joined, url: joined.url.toLowerCase(), userattr: joined.userattr.toLowerCase() };
  check(settings);
  const rotation = automatedRotation(input, before.rotation ?? NOT_ROTATED, nowMs);
  if (rotation.turn && !hasAccount(settings)) throw invalid("rotation_period and rotation_schedule need a binddn and bindpass that can be rotated");
  return { settings, tokens: roleTokens(input, before.tokens), rotation };
}

/** Whether searches are done by an account. */
export const hasAccount = ({ binddn, bindpass }: LdapSettings): boolean => binddn !== "" && bindpass !== "";

export interface ServerAddress {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Encrypted from the first byte. */
  readonly isSecure: boolean;
}

/** Throws RequestError 400. */
export function serversOf(urls: string): ServerAddress[] {
  return urls.split(",").map((text) => {
    const url = text.trim();
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    const isSecure = parsed?.protocol === "ldaps:";
    if (!parsed || parsed.hostname === "" || !(isSecure || parsed.protocol === "ldap:")) throw invalid(`invalid LDAP url ${JSON.stringify(url)}: it is ldap://HOST or ldaps://HOST, with or without a port`);
    return { url, host: parsed.hostname.replace(/^\[|\]$/g, ""), port: parsed.port === "" ? (isSecure ? 636 : 389) : Number(parsed.port), isSecure };
  });
}

function check(settings: LdapSettings): void {
  serversOf(settings.url);
  if (settings.rotation_url !== "") serversOf(settings.rotation_url);
  if (settings.rotation_schema !== "openldap") throw invalid("invalid rotation_schema: only openldap is supported");
  if (!/^[a-z][a-z0-9-]*$|^\d+(\.\d+)*$/.test(settings.userattr)) throw invalid("invalid userattr: it is the name of an attribute");
  if (!/^[A-Za-z][A-Za-z0-9-]*$|^\d+(\.\d+)*$|^$/.test(settings.groupattr)) throw invalid("invalid groupattr: it is the name of an attribute");
  for (const name of ["tls_min_version", "tls_max_version"] as const) if (!(settings[name] in TLS_VERSIONS)) throw invalid(`invalid '${name}'`);
  if (settings.tls_max_version < settings.tls_min_version) throw invalid("'tls_max_version' must be greater than or equal to 'tls_min_version'");
  if (!(settings.dereference_aliases in DEREFERENCING)) throw invalid("invalid dereference_aliases: must be one of never, finding, searching, always");
  if (settings.max_page_size < 0) throw invalid("max_page_size cannot be negative");
  checkCertificates(settings);
}

function checkCertificates({ certificate, client_tls_cert: shown, client_tls_key: key }: LdapSettings): void {
  if (certificate !== "") {
    try {
      void new X509Certificate(certificate);
    } catch {
      throw invalid("failed to parse server tls cert: it is no certificate in PEM");
    }
  }
  if ((shown === "") !== (key === "")) throw invalid("both client_tls_cert and client_tls_key must be set");
  if (shown === "") return;
  try {
    createSecureContext({ cert: shown, key });
  } catch {
    throw invalid("failed to parse client X509 key pair");
  }
}

export function tlsVersion(name: string): (typeof TLS_VERSIONS)[TlsVersionName] {
  return TLS_VERSIONS[name as TlsVersionName];
}

/** The members of a read: no password, no key. */
export function shownConfig({ settings, tokens, rotation = NOT_ROTATED }: LdapConfig): Readonly<Record<string, unknown>> {
  const { bindpass: _password, client_tls_cert: _shown, client_tls_key: _key, ...shown } = settings;
  return { ...shown, ...shownTokens(tokens), ...shownRotation(rotation) };
}

const COLLIDING = "userfilter configured does not consider userattr and may result in colliding entity aliases on logins";

export function configWarnings({ userfilter, userattr }: LdapSettings): string[] {
  return userfilter === "" || /\{\{\s*\.UserAttr\s*\}\}/.test(userfilter) || userfilter.includes(userattr) ? [] : [COLLIDING];
}
