import { field } from "@coffer/state-machine";
import type { InputOf } from "@coffer/state-machine";
import { FORMATS, PRIVATE_KEY_FORMATS } from "./issuer-answer.js";
import { ROLE_DEFAULTS } from "./role-defaults.js";
import type { Role } from "./role.js";

const list = (description: string) => field.commaList({ description, default: [] });

/** Fields of everything that makes a CA's certificate or a request for one. */
export const CA_WISHES = {
  common_name: field.string({ description: "The common name. Other names go into alt_names." }),
  alt_names: field.string({ description: "Other DNS names and e-mail addresses, separated by commas." }),
  ip_sans: field.commaList({ description: "IP addresses for alternative names." }),
  uri_sans: field.commaList({ description: "URIs for alternative names." }),
  other_sans: field.commaList({ description: "Other alternative names, as <oid>;UTF8:<value>." }),
  serial_number: field.string({ description: "Serial number of the subject (not of the certificate)." }),
  ttl: field.duration({ description: "Life of the certificate; the mount's limit applies." }),
  not_before: field.string({ description: "When the certificate begins, as RFC 3339, rather than at its making." }),
  not_after: field.string({ description: "When the certificate ends, as RFC 3339, rather than after a TTL." }),
  not_before_duration: field.duration({ description: "How long before its making the certificate begins.", default: 30 }),
  exclude_cn_from_sans: field.bool({ description: "Whether the common name is not to be an alternative name too.", default: false }),
  format: field.string({ description: "Form of what is returned: `pem`, `der` (in base64), or `pem_bundle`.", default: "pem", allowed: FORMATS }),
  private_key_format: field.string({ description: "Form of an exported private key: `der` means as `format` says, `pkcs8` that in PKCS#8.", default: "der", allowed: PRIVATE_KEY_FORMATS }),
  ou: list("Organizational units of the subject."),
  organization: list("Organizations of the subject."),
  country: list("Countries of the subject."),
  locality: list("Localities of the subject."),
  province: list("Provinces of the subject."),
  street_address: list("Street addresses of the subject."),
  postal_code: list("Postal codes of the subject."),
  signature_bits: field.int({ description: "Bits of the signature's hash: 256, 384 or 512; 0 means as the signing key asks for.", default: 0 }),
  use_pss: field.bool({ description: "Whether an RSA key signs with RSASSA-PSS.", default: false }),
};

export const NEW_KEY = {
  key_type: field.string({ description: "Type of the key.", default: "rsa", allowed: ["rsa", "ec", "ed25519"] }),
  key_bits: field.int({ description: "Size of the key; 0 means the type's default.", default: 0 }),
  key_name: field.string({ description: "Name of the key.", default: "" }),
  key_ref: field.string({ description: "With `existing`: name or id of the key, or `default`.", default: "default" }),
  managed_key_name: field.string({ description: "Name of a managed key, for `kms`." }),
  managed_key_id: field.string({ description: "Id of a managed key, for `kms`." }),
};

export const EXPORTED = { exported: field.string({ description: "What is done with the key: `internal` keeps it, `exported` returns it too, `existing` uses one that is here.", required: true, allowed: ["internal", "exported", "existing", "kms"] }) };

export const PATH_LIMITS = {
  max_path_length: field.int({ description: "How many CAs may stand below this one; -1 means any number.", default: -1 }),
  permitted_dns_domains: field.commaList({ description: "Domains that certificates below this CA are limited to.", default: [] }),
};

type CaWishes = InputOf<typeof CA_WISHES>;

/** No rules: who may make CAs may name them as they like. */
export function caRole(input: CaWishes): Role {
  const { ou, organization, country, locality, province, street_address, postal_code, signature_bits, use_pss, not_before_duration } = input;
  return {
    ...ROLE_DEFAULTS,
    ...{ ou, organization, country, locality, province, street_address, postal_code, signature_bits, use_pss, not_before_duration },
    policy_identifiers: [],
    allow_any_name: true,
    enforce_hostnames: false,
    key_type: "any",
    allowed_other_sans: ["*"],
    allowed_serial_numbers: ["*"],
    allowed_uri_sans: ["*"],
    allowed_user_ids: ["*"],
    cn_validations: ["disabled"],
    require_cn: false,
    use_csr_common_name: (input.common_name ?? "") === "",
    use_csr_sans: false,
  };
}
