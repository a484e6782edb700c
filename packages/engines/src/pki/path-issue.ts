import { definePath, field, invalid } from "@coffer/state-machine";
import type { EngineRequest, HandlerResult, InputOf, Mount, WriteStorage } from "@coffer/state-machine";
import { parseCsr } from "./csr.js";
import { FORMATS, PRIVATE_KEY_FORMATS } from "./issuer-answer.js";
import { checkSignatureBits } from "./key-material.js";
import { issueLeaf, signLeaf } from "./leaf.js";
import { getRole, toRole } from "./role.js";
import type { Role } from "./role.js";
import { ROLE_DEFAULTS } from "./role-defaults.js";

/** Fields of everything that makes a certificate. */
export const WISHES = {
  common_name: field.string({ description: "The common name. Other names go into alt_names." }),
  alt_names: field.string({ description: "Other DNS names and e-mail addresses, separated by commas." }),
  ip_sans: field.commaList({ description: "IP addresses for alternative names." }),
  uri_sans: field.commaList({ description: "URIs for alternative names." }),
  other_sans: field.commaList({ description: "Other alternative names, as <oid>;UTF8:<value>." }),
  serial_number: field.string({ description: "Serial number of the subject (not of the certificate)." }),
  user_ids: field.commaList({ description: "User ids of the subject." }),
  ttl: field.duration({ description: "Life of the certificate; the role's limits apply." }),
  not_before: field.string({ description: "When the certificate begins, as RFC 3339, rather than at its making." }),
  not_after: field.string({ description: "When the certificate ends, as RFC 3339, rather than after a TTL." }),
  exclude_cn_from_sans: field.bool({ description: "Whether the common name is not to be an alternative name too.", default: false }),
  format: field.string({ description: "Form of what is returned: `pem`, `der` (in base64), or `pem_bundle` (key, certificate and chain in one).", default: "pem", allowed: FORMATS }),
  private_key_format: field.string({ description: "Form of the private key: `der` means as `format` says, `pkcs8` that in PKCS#8.", default: "der", allowed: PRIVATE_KEY_FORMATS }),
  remove_roots_from_chain: field.bool({ description: "Whether self-signed certificates are left out of ca_chain.", default: false }),
};

/** Of leaves. */
const METADATA = { cert_metadata: field.string({ description: "What is to be known of the certificate, in base64; read at cert-metadata/.", default: "" }) };

const CSR = { csr: field.string({ description: "The request to sign, PEM.", default: "" }) };
const ROLE = { role: field.name({ description: "Name of the role.", required: true }) };
const ISSUER = { issuer_ref: field.string({ description: "Name or id of the issuer, or `default`.", required: true }) };

const VERBATIM = {
  ...WISHES,
  ...METADATA,
  ...CSR,
  key_usage: field.commaList({ description: "Key usages where the request names none, by Go's names.", default: ["DigitalSignature", "KeyAgreement", "KeyEncipherment"] }),
  ext_key_usage: field.commaList({ description: "Extended key usages where the request names none, by Go's names.", default: [] }),
  ext_key_usage_oids: field.commaList({ description: "Extended key usages where the request names none, by object identifier.", default: [] }),
  signature_bits: field.int({ description: "Bits of the signature's hash: 256, 384 or 512; 0 means as the issuer's key asks for.", default: 0 }),
  use_pss: field.bool({ description: "Whether an RSA issuer signs with RSASSA-PSS.", default: false }),
  basic_constraints_valid_for_non_ca: field.bool({ description: "Whether the certificate says that it is no CA's.", default: false }),
};

/** Throws RequestError 400. */
function requireRole(storage: WriteStorage, name: string): Role {
  const role = getRole(storage, name);
  if (!role) throw invalid(`unknown role: ${name}`);
  return role;
}

const ISSUE_HELP = {
  synopsis: "Makes a key and a certificate for it.",
  description: "The role says what may be had. The private key is returned and not kept: this is the only chance to have it.",
};
const SIGN_HELP = { synopsis: "Signs a certificate request.", description: "The role says what may be had, and whether names are taken from the request or from the call." };
const VERBATIM_HELP = {
  synopsis: "Signs a certificate request as it stands.",
  description: "Subject, names and extensions are the request's own, without any role's rules; a CA's certificate it never becomes. A role, where one is named, gives times, storage and issuer.",
};

export const issuePath = definePath({
  template: "issue/{role}",
  help: ISSUE_HELP,
  fields: { ...ROLE, ...WISHES, ...METADATA },
  operations: {
    update: {
      effect: "write",
      summary: "Make a key and a certificate.",
      handler({ input, identity }, storage, mount) {
        const role = requireRole(storage, input.role);
        return issueLeaf({ storage, mount, identity, issuerRef: role.issuer_ref, roleName: input.role }, role, input);
      },
    },
  },
});

export const issuerIssuePath = definePath({
  template: "issuer/{issuer_ref}/issue/{role}",
  help: ISSUE_HELP,
  fields: { ...ISSUER, ...ROLE, ...WISHES, ...METADATA },
  operations: {
    update: {
      effect: "write",
      summary: "Make a key and a certificate, signed by the named issuer.",
      handler: ({ input, identity }, storage, mount) => issueLeaf({ storage, mount, identity, issuerRef: input.issuer_ref, roleName: input.role }, requireRole(storage, input.role), input),
    },
  },
});

export const signPath = definePath({
  template: "sign/{role}",
  help: SIGN_HELP,
  fields: { ...ROLE, ...WISHES, ...METADATA, ...CSR },
  operations: {
    update: {
      effect: "write",
      summary: "Sign a certificate request.",
      handler({ input, identity }, storage, mount) {
        const role = requireRole(storage, input.role);
        return signLeaf({ storage, mount, identity, issuerRef: role.issuer_ref, roleName: input.role }, role, input, parseCsr(input.csr), false);
      },
    },
  },
});

export const issuerSignPath = definePath({
  template: "issuer/{issuer_ref}/sign/{role}",
  help: SIGN_HELP,
  fields: { ...ISSUER, ...ROLE, ...WISHES, ...METADATA, ...CSR },
  operations: {
    update: {
      effect: "write",
      summary: "Sign a certificate request by the named issuer.",
      handler: ({ input, identity }, storage, mount) => signLeaf({ storage, mount, identity, issuerRef: input.issuer_ref, roleName: input.role }, requireRole(storage, input.role), input, parseCsr(input.csr), false),
    },
  },
});

/** No rules but a role's times, storage and issuer, and what the call says of usages. */
export function verbatimRole(input: Omit<InputOf<typeof VERBATIM>, "role">, named: Role | undefined): Role {
  checkSignatureBits(input.signature_bits);
  const open = toRole({
    ...ROLE_DEFAULTS,
    allow_any_name: true,
    enforce_hostnames: false,
    key_type: "any",
    allowed_other_sans: ["*"],
    allowed_serial_numbers: ["*"],
    allowed_uri_sans: ["*"],
    allowed_user_ids: ["*"],
    cn_validations: ["disabled"],
    require_cn: false,
    server_flag: false,
    client_flag: false,
    key_usage: input.key_usage,
    ext_key_usage: input.ext_key_usage,
    ext_key_usage_oids: input.ext_key_usage_oids,
    signature_bits: input.signature_bits,
    use_pss: input.use_pss,
    basic_constraints_valid_for_non_ca: input.basic_constraints_valid_for_non_ca,
  });
  if (!named) return open;
  const { ttl, max_ttl, generate_lease, no_store, no_store_metadata, not_before_duration, not_before, not_before_bound, not_after, not_after_bound, issuer_ref } = named;
  return { ...open, ttl, max_ttl, generate_lease, no_store, no_store_metadata, not_before_duration, not_before, not_before_bound, not_after, not_after_bound, issuer_ref };
}

type VerbatimRequest = EngineRequest<InputOf<typeof VERBATIM> & { readonly role?: string; readonly issuer_ref?: string }>;

function signVerbatim({ input, identity }: VerbatimRequest, storage: WriteStorage, mount: Mount): HandlerResult {
  const role = verbatimRole(input, input.role === undefined ? undefined : requireRole(storage, input.role));
  return signLeaf({ storage, mount, identity, issuerRef: input.issuer_ref ?? role.issuer_ref, roleName: input.role ?? "" }, role, input, parseCsr(input.csr), true);
}

const verbatimOperations = { update: { effect: "write", summary: "Sign a certificate request as it stands.", handler: signVerbatim } } as const;

export const signVerbatimPath = definePath({ template: "sign-verbatim", help: VERBATIM_HELP, fields: VERBATIM, operations: verbatimOperations });
export const signVerbatimRolePath = definePath({ template: "sign-verbatim/{role}", help: VERBATIM_HELP, fields: { ...ROLE, ...VERBATIM }, operations: verbatimOperations });
export const issuerSignVerbatimPath = definePath({ template: "issuer/{issuer_ref}/sign-verbatim", help: VERBATIM_HELP, fields: { ...ISSUER, ...VERBATIM }, operations: verbatimOperations });
export const issuerSignVerbatimRolePath = definePath({ template: "issuer/{issuer_ref}/sign-verbatim/{role}", help: VERBATIM_HELP, fields: { ...ISSUER, ...ROLE, ...VERBATIM }, operations: verbatimOperations });
