import { data, definePath, field, invalid } from "@coffer/state-machine";
import type { EngineRequest, EnvelopeResponse, InputOf, Mount, WriteStorage } from "@coffer/state-machine";
import { requireAuthority, signerOf } from "./authority.js";
import { caExtensions, pathLengthBelow } from "./ca-certificate.js";
import { CA_WISHES, caRole, PATH_LIMITS } from "./ca-fields.js";
import { isSelfSigned, parseCertificate } from "./certificate.js";
import { buildCertificate, newSerial } from "./certificate-builder.js";
import { parseCsr } from "./csr.js";
import { NO_NAMES } from "./general-names.js";
import { certificateAnswer, chainOf } from "./issuer-answer.js";
import { checkSignatureBits, MIN_RSA_BITS } from "./key-material.js";
import { OID } from "./oids.js";
import { colonHex, pem, pemBlocks } from "./pem.js";
import { agree } from "./requested.js";
import { keyIdentifier } from "./signer.js";
import { putCertificate } from "./storage.js";
import { encodeName, organisationNames } from "./subject.js";
import { hasUrls, NO_URLS_WARNING, urlExtensionsFor, urlsFor } from "./urls.js";
import { agreeValidity } from "./validity.js";

const FIELDS = {
  ...CA_WISHES,
  ...PATH_LIMITS,
  csr: field.string({ description: "The request to sign, PEM.", default: "" }),
  use_csr_values: field.bool({ description: "Whether subject, names and extensions are the request's own.", default: false }),
  skid: field.string({ description: "Subject key identifier, hex, where another than the usual one is wanted.", default: "" }),
};
const ISSUER = { issuer_ref: field.string({ description: "Name or id of the issuer, or `default`.", default: "default" }) };
const PATH_ISSUER = { issuer_ref: field.string({ description: "Name or id of the issuer, or `default`.", required: true }) };
type SignRequest = EngineRequest<InputOf<typeof FIELDS> & { readonly issuer_ref: string }>;

/** What only this mount may say of a CA. */
const OWN: ReadonlySet<string> = new Set([OID.basicConstraints, OID.authorityKeyIdentifier, OID.keyUsage, OID.nameConstraints]);

function subjectKeyId(text: string, publicKeyBits: Buffer): Buffer {
  if (text === "") return keyIdentifier(publicKeyBits);
  const hex = text.replace(/[:\- ]/g, "");
  if (!/^([0-9a-f]{2})+$/i.test(hex)) throw invalid("cannot parse requested SKID value as hex");
  return Buffer.from(hex, "hex");
}

async function signIntermediate({ input, given }: SignRequest, storage: WriteStorage, mount: Mount): Promise<EnvelopeResponse> {
  checkSignatureBits(input.signature_bits);
  const authority = requireAuthority(storage, input.issuer_ref);
  const csr = parseCsr(input.csr);
  if (csr.keyType === "rsa" && csr.keyBits < MIN_RSA_BITS) throw invalid(`a minimum of a ${MIN_RSA_BITS}-bit key is required, but CSR's key is ${csr.keyBits} bits`);
  const ca = authority.certificate;
  const maxPathLength = pathLengthBelow(ca, given("max_path_length") ? input.max_path_length : undefined);
  const role = caRole(input);
  const agreed = agree(role, input, csr);
  const validity = agreeValidity({ ttl: 0, max_ttl: 0, not_before_duration: input.not_before_duration, not_after: "" }, input, mount, { notAfterMs: ca.notAfter, behavior: authority.issuer.leaf_not_after_behavior === "always_enforce_err" ? "err" : "permit" });
  const serial = newSerial(mount.env);
  const subject = input.use_csr_values ? csr.subject.der : encodeName(organisationNames(role), agreed);
  const der = await buildCertificate(
    {
      serial,
      issuer: ca.subject.der,
      subject,
      notBeforeMs: validity.notBeforeMs,
      notAfterMs: validity.notAfterMs,
      spki: csr.spki,
      subjectKeyId: subjectKeyId(input.skid, csr.publicKeyBits),
      names: input.use_csr_values ? csr.names : agreed.names,
      extensions: [...caExtensions(maxPathLength, input.permitted_dns_domains), [OID.authorityKeyIdentifier, authority.authorityKeyId], ...urlExtensionsFor(storage, authority.issuer)],
      ...(input.use_csr_values && { verbatim: csr.extensions.filter(({ oid }) => !OWN.has(oid)) }),
    },
    signerOf(authority.key, { bits: input.signature_bits, pss: input.use_pss }),
  );
  const serialNumber = colonHex(serial);
  putCertificate(storage, { serial: serialNumber, der, notAfter: validity.notAfterMs });
  const chain = chainOf(storage, authority.issuer);
  const own = { certificate: parseCertificate(der), pem: pem("CERTIFICATE", der) };
  const shown = { ...certificateAnswer(der, authority, chain, undefined, input), ca_chain: [own, ...chain].map((link) => (input.format === "der" ? link.certificate.der.toString("base64") : link.pem)) };
  const warnings = [...validity.warnings];
  if (validity.notAfterMs > ca.notAfter) warnings.push("The expiration time for the signed certificate is after the CA's expiration time. If the new certificate is not treated as a root, validation paths with the certificate past the issuing CA's expiration time will fail.");
  if (subject.length <= 2) warnings.push("This issuer certificate was generated without a Subject; this makes it likely that issuing leaf certs with this certificate will cause TLS validation libraries to reject this certificate.");
  if (!hasUrls(urlsFor(storage, authority.issuer))) warnings.push(NO_URLS_WARNING);
  if (maxPathLength === 0) warnings.push("Max path length of the signed certificate is zero. This certificate cannot be used to issue intermediate CA certificates.");
  return data({ ...shown, expiration: Math.floor(validity.notAfterMs / 1000), serial_number: serialNumber }, warnings.length > 0 ? { warnings } : {});
}

const SIGN_HELP = { synopsis: "Signs a CA's certificate request.", description: "Subject and names are what the call says, unless use_csr_values is set; the common name is the request's where the call gives none. The certificate is not an issuer of this mount." };
const signOperations = { update: { effect: "write", summary: "Sign an intermediate CA's request.", handler: signIntermediate } } as const;
export const signIntermediatePath = definePath({ template: "root/sign-intermediate", help: SIGN_HELP, fields: { ...ISSUER, ...FIELDS }, operations: signOperations });
export const issuerSignIntermediatePath = definePath({ template: "issuer/{issuer_ref}/sign-intermediate", help: SIGN_HELP, fields: { ...PATH_ISSUER, ...FIELDS }, operations: signOperations });

const SELF_ISSUED = {
  certificate: field.string({ description: "The self-issued CA certificate, PEM.", required: true }),
  require_matching_certificate_algorithms: field.bool({ description: "Whether the certificate's key must be of the issuer's type.", default: false }),
};
type SelfIssuedRequest = EngineRequest<InputOf<typeof SELF_ISSUED> & { readonly issuer_ref: string }>;

async function signSelfIssued({ input }: SelfIssuedRequest, storage: WriteStorage, { env }: Mount): Promise<EnvelopeResponse> {
  const blocks = pemBlocks(input.certificate).filter(({ label }) => label === "CERTIFICATE");
  if (blocks.length !== 1) throw invalid(blocks.length === 0 ? "certificate could not be PEM-decoded" : `${blocks.length} certificates found in PEM file, expected 1`);
  const given = parseCertificate(blocks[0]!.der);
  if (!given.isCa) throw invalid("given certificate is not a CA certificate");
  if (!given.issuer.der.equals(given.subject.der) || !isSelfSigned(given)) throw invalid("given certificate is not self-issued");
  const authority = requireAuthority(storage, input.issuer_ref);
  const ca = authority.certificate;
  if (input.require_matching_certificate_algorithms && given.x509.publicKey.asymmetricKeyType !== authority.key.type) throw invalid("public key algorithm of the signer does not match that of the given certificate");
  pathLengthBelow(ca, given.maxPathLength);
  const urls = urlExtensionsFor(storage, authority.issuer);
  const replaced = new Set<string>([OID.authorityKeyIdentifier, OID.authorityInfoAccess, OID.crlDistributionPoints, OID.freshestCrl]);
  const serial = newSerial(env);
  const der = await buildCertificate(
    {
      serial,
      issuer: ca.subject.der,
      subject: given.subject.der,
      notBeforeMs: given.notBefore,
      notAfterMs: given.notAfter,
      spki: given.spki,
      subjectKeyId: keyIdentifier(given.publicKeyBits),
      names: NO_NAMES,
      extensions: [[OID.authorityKeyIdentifier, authority.authorityKeyId], ...urls],
      verbatim: given.extensions.filter(({ oid }) => !replaced.has(oid)),
    },
    signerOf(authority.key, { bits: 0, pss: false }),
  );
  return data({ certificate: pem("CERTIFICATE", der), issuing_ca: authority.pem });
}

const SELF_HELP = { synopsis: "Signs another root's certificate, so that there is a second way up.", description: "Everything but issuer, serial number and URLs is taken from the given certificate. It demands the sudo capability." };
export const signSelfIssuedPath = definePath({
  template: "root/sign-self-issued",
  help: SELF_HELP,
  fields: { ...ISSUER, ...SELF_ISSUED },
  operations: { update: { effect: "write", access: "sudo", summary: "Cross-sign a root.", handler: signSelfIssued } },
});
export const issuerSignSelfIssuedPath = definePath({
  template: "issuer/{issuer_ref}/sign-self-issued",
  help: SELF_HELP,
  fields: { ...PATH_ISSUER, ...SELF_ISSUED },
  operations: { update: { effect: "write", access: "sudo", summary: "Cross-sign a root by the named issuer.", handler: signSelfIssued } },
});
