import { invalid } from "../errors.js";

/** Second factors that somebody else's service is asked for, over TLS. Their secrets are never shown. */
export type AskedSettings =
  | (Naming & { readonly type: "duo"; readonly duo: DuoConfig })
  | (Naming & { readonly type: "okta"; readonly okta: OktaConfig })
  | (Naming & { readonly type: "pingid"; readonly pingid: PingIdConfig });

/** How an entity is called there. */
export interface Naming {
  /** The auth mount whose alias it is; empty: the entity itself. */
  readonly mountAccessor: string;
  /** With templates (`{{alias.name}}@example.com`); empty: the plain name. */
  readonly usernameFormat: string;
}

export interface DuoConfig {
  readonly integrationKey: string;
  readonly secretKey: string;
  /** `api-xxxxxxxx.duosecurity.com`. */
  readonly apiHostname: string;
  /** URL-encoded pairs that the telephone shows with a push. */
  readonly pushInfo: string;
  /** Tells clients to ask for a passcode; a push is good all the same. */
  readonly usePasscode: boolean;
}

export interface OktaConfig {
  readonly orgName: string;
  readonly apiToken: string;
  /** `okta.com`; empty where the old `production` says which. */
  readonly baseUrl: string;
  readonly production: boolean;
  readonly primaryEmail: boolean;
}

/** A settings file of PingID, as its administrators get it (`pingid.properties`). */
export interface PingIdConfig {
  /** Base64: what requests are signed by. */
  readonly base64Key: string;
  readonly useSignature: boolean;
  readonly token: string;
  readonly idpUrl: string;
  readonly orgAlias: string;
  readonly adminUrl: string;
  readonly authenticatorUrl: string;
}

/** A host's name, with a port or without. */
const HOST = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?$/;

/** Throws RequestError 400. */
export function duoConfig({ integrationKey, secretKey, apiHostname, pushInfo, usePasscode }: DuoConfig): DuoConfig {
  if (secretKey === "") throw invalid("secret_key is empty");
  if (integrationKey === "") throw invalid("integration_key is empty");
  if (apiHostname === "") throw invalid("api_hostname is empty");
  if (!HOST.test(apiHostname)) throw invalid("api_hostname must be the name of a host");
  return { integrationKey, secretKey, apiHostname, pushInfo, usePasscode };
}

/** Throws RequestError 400. */
export function oktaConfig(given: OktaConfig): OktaConfig {
  if (given.orgName === "") throw invalid("org_name must be set");
  if (given.apiToken === "") throw invalid("api_token must be set");
  if (/[^\x21-\x7e]/.test(given.apiToken)) throw invalid("api_token must be printable");
  if (!HOST.test(oktaHost(given))) throw invalid("org_name and base_url must make the name of a host");
  return given;
}

export function oktaHost({ orgName, baseUrl, production }: Pick<OktaConfig, "orgName" | "baseUrl" | "production">): string {
  return `${orgName}.${baseUrl !== "" ? baseUrl : production ? "okta.com" : "oktapreview.com"}`;
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const PING_KEYS = ["use_base64_key", "use_signature", "token", "idp_url", "org_alias", "admin_url", "authenticator_url"] as const;
type PingKey = (typeof PING_KEYS)[number];

/** Of the file's base64. Throws RequestError 400, which quotes none of its values. */
export function pingIdConfig(settingsFileBase64: string): PingIdConfig {
  if (settingsFileBase64 === "") throw invalid("settings_file_base64 is empty");
  const text = settingsFileBase64.replace(/\s/g, "");
  if (!BASE64.test(text)) throw invalid("settings_file_base64 is not valid base64");
  const values = new Map<PingKey, string>();
  for (const line of Buffer.from(text, "base64").toString().split(/\r?\n/)) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const equals = line.indexOf("=");
    if (equals < 0) throw invalid("pingid settings file contains a non-empty non-comment line that is not in key=value format");
    const key = PING_KEYS.find((one) => one === line.slice(0, equals));
    if (key === undefined) throw invalid("pingid settings file contains an unknown key");
    values.set(key, line.slice(equals + 1));
  }
  const value = (key: PingKey) => values.get(key) ?? "";
  const key = value("use_base64_key");
  if (key === "" || !BASE64.test(key)) throw invalid("use_base64_key of the pingid settings file must be base64");
  for (const needed of ["token", "org_alias", "idp_url"] as const) if (value(needed) === "") throw invalid(`${needed} is missing in the pingid settings file`);
  if (!isTlsUrl(value("idp_url"))) throw invalid("idp_url of the pingid settings file must be an https URL");
  const signature = value("use_signature");
  if (!["", "true", "false"].includes(signature)) throw invalid("error parsing use_signature value in pingid settings file");
  return {
    base64Key: key, useSignature: signature === "true", token: value("token"), idpUrl: value("idp_url").replace(/\/$/, ""), orgAlias: value("org_alias"),
    adminUrl: value("admin_url"), authenticatorUrl: value("authenticator_url"),
  };
}

function isTlsUrl(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === "https:";
}

/** As it goes over the wire: without what is secret. */
export function askedBody(settings: AskedSettings): Readonly<Record<string, unknown>> {
  const naming = { mount_accessor: settings.mountAccessor, username_format: settings.usernameFormat };
  switch (settings.type) {
    case "duo":
      return { ...naming, api_hostname: settings.duo.apiHostname, pushinfo: settings.duo.pushInfo, use_passcode: settings.duo.usePasscode };
    case "okta":
      return { ...naming, org_name: settings.okta.orgName, primary_email: settings.okta.primaryEmail, ...(settings.okta.baseUrl === "" ? { production: settings.okta.production } : { base_url: settings.okta.baseUrl }) };
    case "pingid": {
      const { useSignature, idpUrl, orgAlias, adminUrl, authenticatorUrl } = settings.pingid;
      return { ...naming, use_signature: useSignature, idp_url: idpUrl, org_alias: orgAlias, admin_url: adminUrl, authenticator_url: authenticatorUrl };
    }
  }
}
