import { field } from "../framework/index.js";
import type { InputOf } from "../framework/index.js";
import { duoConfig, oktaConfig, pingIdConfig } from "./asked-config.js";
import type { Naming } from "./asked-config.js";
import type { SettingsChange } from "./method.js";
import { totpConfig } from "./totp-config.js";

/** How a TOTP method is described, for policies and for logins alike. What is left out stays, or is the default. */
export const TOTP_FIELDS = {
  issuer: field.string({ description: "Name of this service in the authenticator; required." }),
  period: field.duration({ description: "How long a code is good (default 30 seconds)." }),
  key_size: field.int({ description: "Bytes of each secret (default 20)." }),
  qr_size: field.int({ description: "Pixels of the QR code's side (default 200); 0 for none." }),
  algorithm: field.string({ description: "Hash of the codes: SHA1 (the default), SHA256 or SHA512." }),
  digits: field.int({ description: "Digits of a code: 6 (the default) or 8." }),
  skew: field.int({ description: "How many periods before and after now are good too: 0 or 1 (the default)." }),
  max_validation_attempts: field.int({ description: "Wrong codes in a period after which no more are looked at (default 5)." }),
};

export function totpChange(input: InputOf<typeof TOTP_FIELDS>): SettingsChange {
  const change = {
    issuer: input.issuer, periodSeconds: input.period, keySize: input.key_size, qrSize: input.qr_size, algorithm: input.algorithm,
    digits: input.digits, skew: input.skew, maxValidationAttempts: input.max_validation_attempts,
  };
  return (before) => ({ type: "totp", totp: totpConfig(before?.type === "totp" ? before.totp : undefined, change) });
}

const USERNAME_FORMAT = field.string({ description: "How an entity is called there, with templates: `{{entity.name}}@example.com`. Empty: its plain name.", default: "" });

/** How methods that ask a service are described. Every write says all of it, so that no secret goes to another address than it was given for. */
export const DUO_FIELDS = {
  integration_key: field.string({ description: "Integration key of the Duo application; required.", default: "" }),
  secret_key: field.string({ description: "Secret key of the Duo application; required. Never shown.", sensitive: true, default: "" }),
  api_hostname: field.string({ description: "API host of the Duo application; required.", default: "" }),
  push_info: field.string({ description: "URL-encoded pairs that the telephone shows with a push.", default: "" }),
  use_passcode: field.bool({ description: "Clients are told to ask for a passcode; a push is good all the same.", default: false }),
  username_format: USERNAME_FORMAT,
};

export const OKTA_FIELDS = {
  org_name: field.string({ description: "Name of the organization at Okta; required.", default: "" }),
  api_token: field.string({ description: "API token of Okta; required. Never shown.", sensitive: true, default: "" }),
  base_url: field.string({ description: "Base domain of Okta's API: okta.com (the default), okta-emea.com, oktapreview.com." }),
  production: field.bool({ description: "Whether it is okta.com or oktapreview.com; `base_url` says more.", deprecated: true }),
  primary_email: field.bool({ description: "The name is looked for among primary e-mail addresses, not among logins.", default: false }),
  username_format: USERNAME_FORMAT,
};

export const PINGID_FIELDS = {
  settings_file_base64: field.string({ description: "The settings file of PingID for third-party clients, base64; required. Its key is never shown.", sensitive: true, default: "" }),
  username_format: USERNAME_FORMAT,
};

const naming = (input: { readonly username_format: string }, mountAccessor: string): Naming => ({ usernameFormat: input.username_format, mountAccessor });

export function duoChange(input: InputOf<typeof DUO_FIELDS>, mountAccessor = ""): SettingsChange {
  const duo = duoConfig({ integrationKey: input.integration_key, secretKey: input.secret_key, apiHostname: input.api_hostname, pushInfo: input.push_info, usePasscode: input.use_passcode });
  return () => ({ type: "duo", duo, ...naming(input, mountAccessor) });
}

export function oktaChange(input: InputOf<typeof OKTA_FIELDS>, mountAccessor = ""): SettingsChange {
  const baseUrl = input.base_url ?? (input.production === undefined ? "okta.com" : "");
  const okta = oktaConfig({ orgName: input.org_name, apiToken: input.api_token, baseUrl, production: input.production ?? true, primaryEmail: input.primary_email });
  return () => ({ type: "okta", okta, ...naming(input, mountAccessor) });
}

export function pingIdChange(input: InputOf<typeof PINGID_FIELDS>, mountAccessor = ""): SettingsChange {
  const pingid = pingIdConfig(input.settings_file_base64);
  return () => ({ type: "pingid", pingid, ...naming(input, mountAccessor) });
}
