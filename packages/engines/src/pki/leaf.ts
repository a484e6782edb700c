import { data, invalid } from "@coffer/state-machine";
import type { EnvelopeResponse, Mount, WriteStorage } from "@coffer/state-machine";
import { isRoot, certificateAnswer, chainOf } from "./issuer-answer.js";
import type { AnswerFormat } from "./issuer-answer.js";
import { requireAuthority, signerOf } from "./authority.js";
import type { Authority } from "./authority.js";
import { buildCertificate, newSerial } from "./certificate-builder.js";
import type { CertificateRequest } from "./csr.js";
import type { ExtensionPart } from "./extensions.js";
import { basicConstraintsExtension, extKeyUsageExtension, keyUsageBits, keyUsageExtension, policiesExtension } from "./extensions.js";
import { generateKey, MIN_RSA_BITS, publicKeyBits } from "./key-material.js";
import type { KeyMaterial, KeyType } from "./key-material.js";
import { then } from "./maybe.js";
import type { Maybe } from "./maybe.js";
import { checkMetadata, putMetadata } from "./metadata.js";
import { OID } from "./oids.js";
import { colonHex } from "./pem.js";
import { agree } from "./requested.js";
import type { NameWishes } from "./requested.js";
import type { Role } from "./role.js";
import { filledFor } from "./role-templates.js";
import type { IdentityOf } from "./role-templates.js";
import { keyIdentifier } from "./signer.js";
import { putCertificate } from "./storage.js";
import { encodeName, organisationNames } from "./subject.js";
import { urlExtensionsFor } from "./urls.js";
import { agreeValidity } from "./validity.js";
import type { ValidityWishes } from "./validity.js";

export interface LeafWishes extends NameWishes, ValidityWishes, AnswerFormat {
  readonly remove_roots_from_chain: boolean;
  /** Base64; kept beside the certificate. */
  readonly cert_metadata?: string;
}

/** A kind of lease: `pki/issue/<role>` with generate_lease. */
export const LEASE_KIND = "pki";

interface RoleParts {
  readonly organisation: Buffer;
  readonly extensions: readonly ExtensionPart[];
}

const parts = new WeakMap<Role, RoleParts>();

/** What is the same in all certificates of a role, encoded once. */
function roleParts(role: Role): RoleParts {
  const known = parts.get(role);
  if (known) return known;
  const usages = new Set(role.ext_key_usage.map((name) => name.trim().toLowerCase()));
  if (role.server_flag) usages.add("serverauth");
  if (role.client_flag) usages.add("clientauth");
  if (role.code_signing_flag) usages.add("codesigning");
  if (role.email_protection_flag) usages.add("emailprotection");
  const made: RoleParts = {
    organisation: organisationNames(role),
    extensions: [
      [OID.keyUsage, keyUsageExtension(keyUsageBits(role.key_usage))],
      [OID.extendedKeyUsage, extKeyUsageExtension(usages, role.ext_key_usage_oids)],
      [OID.basicConstraints, role.basic_constraints_valid_for_non_ca ? basicConstraintsExtension(false, -1) : Buffer.alloc(0)],
      [OID.certificatePolicies, policiesExtension(role.policy_identifiers)],
    ],
  };
  parts.set(role, made);
  return made;
}

/** What a leaf is made of beside the role and the wishes. */
export interface LeafSource {
  readonly storage: WriteStorage;
  readonly mount: Mount;
  /** By name or id. */
  readonly issuerRef: string;
  /** For what is known of the certificate; empty where there is none. */
  readonly roleName?: string;
  /** Of the caller. */
  readonly identity: IdentityOf;
  /** Whether a certificate that would outlive its issuer ends with it, where the issuer would have it refused. */
  readonly truncates?: boolean;
}

/** A new key and a certificate for it. Throws RequestError 400. */
export function issueLeaf(source: LeafSource, role: Role, wishes: LeafWishes): Maybe<EnvelopeResponse> {
  if (role.key_type === "any") throw invalid('role key type "any" not allowed for issuing certificates, only signing');
  const authority = requireAuthority(source.storage, source.issuerRef);
  return then(generateKey(role.key_type as KeyType, role.key_bits), (key) => makeLeaf(source, authority, role, wishes, key, undefined, false));
}

/** A certificate for the key of a request. `verbatim`: its subject and its extensions stay as they are. Throws RequestError 400. */
export function signLeaf(source: LeafSource, role: Role, wishes: LeafWishes, csr: CertificateRequest, verbatim: boolean): Maybe<EnvelopeResponse> {
  const authority = requireAuthority(source.storage, source.issuerRef);
  checkKey(role, csr);
  return makeLeaf(source, authority, role, wishes, undefined, csr, verbatim);
}

function checkKey(role: Role, { keyType, keyBits }: CertificateRequest): void {
  if (role.key_type !== "any" && role.key_type !== keyType) throw invalid(`role requires keys of type ${role.key_type}`);
  if (keyType === "ed25519") return;
  const least = Math.max(role.key_type === "any" ? 0 : role.key_bits, keyType === "rsa" ? MIN_RSA_BITS : 0);
  if (keyBits < least) throw invalid(`role requires a minimum of a ${least}-bit key, but CSR's key is ${keyBits} bits`);
}

function makeLeaf({ storage, mount, identity, truncates, roleName = "" }: LeafSource, authority: Authority, role: Role, wishes: LeafWishes, key: KeyMaterial | undefined, csr: CertificateRequest | undefined, verbatim: boolean): Maybe<EnvelopeResponse> {
  const { issuer, certificate: ca } = authority;
  const { cert_metadata = "" } = wishes;
  checkMetadata(cert_metadata, role.no_store_metadata);
  const agreed = agree(filledFor(role, identity), wishes, csr);
  const validity = agreeValidity(role, wishes, mount, { notAfterMs: ca.notAfter, behavior: truncates && issuer.leaf_not_after_behavior === "err" ? "truncate" : issuer.leaf_not_after_behavior });
  const { organisation, extensions } = roleParts(role);
  const serial = newSerial(mount.env);
  const spki = (key ?? csr)!.spki;
  const made = buildCertificate(
    {
      serial,
      issuer: ca.subject.der,
      subject: verbatim ? csr!.subject.der : encodeName(organisation, agreed),
      notBeforeMs: validity.notBeforeMs,
      notAfterMs: validity.notAfterMs,
      spki,
      subjectKeyId: keyIdentifier(csr?.publicKeyBits ?? publicKeyBits(key!)),
      names: verbatim ? csr!.names : agreed.names,
      extensions: [...extensions, [OID.authorityKeyIdentifier, authority.authorityKeyId], ...urlExtensionsFor(storage, issuer)],
      ...(verbatim && { verbatim: csr!.extensions.filter(({ oid }) => !NEVER_VERBATIM.has(oid)) }),
    },
    signerOf(authority.key, { bits: role.signature_bits, pss: role.use_pss }),
  );
  return then(made, (der) => {
    const serialNumber = colonHex(serial);
    if (!role.no_store) putCertificate(storage, { serial: serialNumber, der, notAfter: validity.notAfterMs });
    if (cert_metadata !== "") putMetadata(storage, { serial_number: serialNumber, issuer_id: issuer.id, role: roleName, cert_metadata, expiresMs: validity.notAfterMs });
    const chain = chainOf(storage, issuer);
    const shown = wishes.remove_roots_from_chain ? chain.filter(({ certificate }) => !isRoot(certificate)) : chain;
    const answer = { ...certificateAnswer(der, authority, shown, key, wishes), serial_number: serialNumber, expiration: Math.floor(validity.notAfterMs / 1000) };
    const warnings = [...validity.warnings, ...(csr ? csrWarnings(role, wishes, csr) : [])];
    const ttlSeconds = Math.max(Math.floor((validity.notAfterMs - mount.env.now()) / 1000), 1);
    return data(answer, {
      ...(warnings.length > 0 && { warnings }),
      ...(role.generate_lease && { secret: { kind: LEASE_KIND, ttlSeconds, maxTtlSeconds: ttlSeconds, renewable: false, internalData: { serial_number: serialNumber } } }),
    });
  });
}

/** What only this mount may say. */
const NEVER_VERBATIM: ReadonlySet<string> = new Set([OID.basicConstraints, OID.authorityKeyIdentifier, OID.subjectKeyIdentifier]);

function csrWarnings(role: Role, wishes: LeafWishes, csr: CertificateRequest): string[] {
  const warnings: string[] = [];
  if (role.use_csr_common_name && (wishes.common_name ?? "") !== "") warnings.push('the common_name field was provided but the role is set with "use_csr_common_name" set to true');
  if (role.use_csr_sans && (wishes.alt_names ?? "") !== "") warnings.push('the alt_names field was provided but the role is set with "use_csr_sans" set to true');
  if (!role.basic_constraints_valid_for_non_ca && csr.extensions.some(({ oid }) => oid === OID.basicConstraints)) warnings.push("specified CSR contained a Basic Constraints extension that was ignored during issuance");
  return warnings;
}
