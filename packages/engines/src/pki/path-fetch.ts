import { data, definePath, field, keyList, pageFields, raw } from "@coffer/state-machine";
import type { ReadStorage, Response } from "@coffer/state-machine";
import { DEFAULT_REF, findIssuer, issuerParts } from "./authority.js";
import { parseCertificate } from "./certificate.js";
import { getCrl } from "./crl-storage.js";
import type { CrlKind } from "./crl-storage.js";
import { chainOf } from "./issuer-answer.js";
import { keyShape } from "./key-material.js";
import { firstOf, nameAttributes, nameText } from "./name-text.js";
import { OID } from "./oids.js";
import { pem } from "./pem.js";
import { revocationTimes } from "./revocation.js";
import { getCertificate, getRevocation, serialKey, serialOf } from "./storage.js";
import { readNames } from "./general-names.js";

export const CONTENT_TYPE = Object.freeze({ certificate: "application/pkix-cert", crl: "application/pkix-crl", crlPem: "application/x-pem-file", certificatePem: "application/pem-certificate-chain" });

/** An issuer's certificate as bytes. Nothing where there is no such issuer. */
export function rawCertificate(storage: ReadStorage, ref: string, isPem: boolean): Response {
  const issuer = findIssuer(storage, ref);
  if (!issuer) return raw("", isPem ? CONTENT_TYPE.certificatePem : CONTENT_TYPE.certificate, 204);
  const { certificate, pem: text } = issuerParts(issuer);
  return isPem ? raw(`${text}\n`, CONTENT_TYPE.certificatePem) : raw(certificate.der, CONTENT_TYPE.certificate);
}

/** An issuer's CRL as bytes. */
export function rawCrl(storage: ReadStorage, ref: string, kind: CrlKind, isPem: boolean): Response {
  const issuer = findIssuer(storage, ref);
  const der = issuer && getCrl(storage, issuer.id, kind);
  if (!der) return raw("", isPem ? CONTENT_TYPE.crlPem : CONTENT_TYPE.crl, 204);
  return isPem ? raw(`${pem("X509 CRL", der)}\n`, CONTENT_TYPE.crlPem) : raw(der, CONTENT_TYPE.crl);
}

const PUBLIC = "Without a token: it is public.";

function rawPath<const T extends string>(template: T, synopsis: string, answer: (storage: ReadStorage) => Response | undefined) {
  return definePath<string, Record<string, never>>({ template, help: { synopsis, description: PUBLIC }, fields: {}, operations: { read: { effect: "read", access: "none", summary: synopsis, handler: (_request, storage) => answer(storage) } } });
}

/** The default issuer's chain, PEM. */
const chainText = (storage: ReadStorage) => {
  const issuer = findIssuer(storage, DEFAULT_REF);
  return issuer ? chainOf(storage, issuer).map((link) => `${link.pem}\n`).join("") : "";
};

const crlAnswer = (storage: ReadStorage, kind: CrlKind) => {
  const issuer = findIssuer(storage, DEFAULT_REF);
  const der = issuer && getCrl(storage, issuer.id, kind);
  return der && data({ certificate: `${pem("X509 CRL", der)}\n`, revocation_time: 0, revocation_time_rfc3339: "" });
};

const caAnswer = (storage: ReadStorage) => {
  const issuer = findIssuer(storage, DEFAULT_REF);
  return issuer && data({ certificate: `${issuerParts(issuer).pem}\n`, revocation_time: 0, revocation_time_rfc3339: "" });
};

/** What Vault has at fixed addresses, for the default issuer. */
export const publicPaths = [
  rawPath("ca", "Reads the default issuer's certificate, DER.", (storage) => rawCertificate(storage, DEFAULT_REF, false)),
  rawPath("ca/pem", "Reads the default issuer's certificate, PEM.", (storage) => rawCertificate(storage, DEFAULT_REF, true)),
  rawPath("ca_chain", "Reads the default issuer's chain, PEM.", (storage) => raw(chainText(storage), CONTENT_TYPE.certificate)),
  rawPath("crl", "Reads the default issuer's CRL, DER.", (storage) => rawCrl(storage, DEFAULT_REF, "complete", false)),
  rawPath("crl/pem", "Reads the default issuer's CRL, PEM.", (storage) => rawCrl(storage, DEFAULT_REF, "complete", true)),
  rawPath("crl/delta", "Reads the default issuer's delta CRL, DER.", (storage) => rawCrl(storage, DEFAULT_REF, "delta", false)),
  rawPath("crl/delta/pem", "Reads the default issuer's delta CRL, PEM.", (storage) => rawCrl(storage, DEFAULT_REF, "delta", true)),
  rawPath("cert/ca", "Reads the default issuer's certificate.", caAnswer),
  rawPath("cert/ca/raw", "Reads the default issuer's certificate, DER, as ca does.", (storage) => rawCertificate(storage, DEFAULT_REF, false)),
  rawPath("cert/ca/raw/pem", "Reads the default issuer's certificate, PEM, as ca/pem does.", (storage) => rawCertificate(storage, DEFAULT_REF, true)),
  rawPath("cert/ca_chain", "Reads the default issuer's chain.", (storage) => data({ certificate: chainText(storage).trimEnd(), ca_chain: chainText(storage).trimEnd(), revocation_time: 0, revocation_time_rfc3339: "" })),
  rawPath("cert/crl", "Reads the default issuer's CRL.", (storage) => crlAnswer(storage, "complete")),
  rawPath("cert/crl/raw", "Reads the default issuer's CRL, DER, as crl does.", (storage) => rawCrl(storage, DEFAULT_REF, "complete", false)),
  rawPath("cert/crl/raw/pem", "Reads the default issuer's CRL, PEM, as crl/pem does.", (storage) => rawCrl(storage, DEFAULT_REF, "complete", true)),
  rawPath("cert/delta-crl", "Reads the default issuer's delta CRL.", (storage) => crlAnswer(storage, "delta")),
];

const REF = { issuer_ref: field.string({ description: "Name or id of the issuer, or `default`.", required: true }) };

function issuerRawPath<const T extends `issuer/{issuer_ref}/${string}`>(template: T, synopsis: string, answer: (storage: ReadStorage, ref: string) => Response) {
  return definePath<string, typeof REF>({ template, help: { synopsis, description: PUBLIC }, fields: REF, operations: { read: { effect: "read", access: "none", summary: synopsis, handler: ({ input }, storage) => answer(storage, input.issuer_ref) } } });
}

/** The same for each issuer. */
export const issuerPublicPaths = [
  issuerRawPath("issuer/{issuer_ref}/der", "Reads an issuer's certificate, DER.", (storage, ref) => rawCertificate(storage, ref, false)),
  issuerRawPath("issuer/{issuer_ref}/pem", "Reads an issuer's certificate, PEM.", (storage, ref) => rawCertificate(storage, ref, true)),
  issuerRawPath("issuer/{issuer_ref}/crl", "Reads an issuer's CRL, PEM in JSON.", (storage, ref) => issuerCrl(storage, ref, "complete")),
  issuerRawPath("issuer/{issuer_ref}/crl/der", "Reads an issuer's CRL, DER.", (storage, ref) => rawCrl(storage, ref, "complete", false)),
  issuerRawPath("issuer/{issuer_ref}/crl/pem", "Reads an issuer's CRL, PEM.", (storage, ref) => rawCrl(storage, ref, "complete", true)),
  issuerRawPath("issuer/{issuer_ref}/crl/delta", "Reads an issuer's delta CRL, PEM in JSON.", (storage, ref) => issuerCrl(storage, ref, "delta")),
  issuerRawPath("issuer/{issuer_ref}/crl/delta/der", "Reads an issuer's delta CRL, DER.", (storage, ref) => rawCrl(storage, ref, "delta", false)),
  issuerRawPath("issuer/{issuer_ref}/crl/delta/pem", "Reads an issuer's delta CRL, PEM.", (storage, ref) => rawCrl(storage, ref, "delta", true)),
];

function issuerCrl(storage: ReadStorage, ref: string, kind: CrlKind): Response {
  const issuer = findIssuer(storage, ref);
  const der = issuer && getCrl(storage, issuer.id, kind);
  return data({ crl: der ? `${pem("X509 CRL", der)}\n` : "" });
}

const SERIAL = { serial: field.string({ description: "Serial number of the certificate, with colons or hyphens.", required: true }) };

export const certPath = definePath({
  template: "cert/{serial}",
  help: { synopsis: "Reads a certificate, and whether it was revoked.", description: "By its serial number, for those that are stored. Without a token: certificates are public." },
  fields: SERIAL,
  operations: {
    read: {
      effect: "read",
      access: "none",
      summary: "Read a certificate.",
      handler({ input }, storage) {
        const der = getCertificate(storage, input.serial);
        if (!der) return undefined;
        const revocation = getRevocation(storage, input.serial);
        return data({ certificate: `${pem("CERTIFICATE", der)}\n`, ...(revocation ? { ...revocationTimes(revocation), issuer_id: revocation.issuer_id } : { revocation_time: 0, revocation_time_rfc3339: "" }) });
      },
    },
  },
});

export const certRawPath = definePath({
  template: "cert/{serial}/raw",
  help: { synopsis: "Reads a certificate, DER.", description: PUBLIC },
  fields: SERIAL,
  operations: { read: { effect: "read", access: "none", summary: "Read a certificate, DER.", handler: ({ input }, storage) => raw(getCertificate(storage, input.serial) ?? "", CONTENT_TYPE.certificate, getCertificate(storage, input.serial) ? 200 : 204) } },
});

export const certRawPemPath = definePath({
  template: "cert/{serial}/raw/pem",
  help: { synopsis: "Reads a certificate, PEM.", description: PUBLIC },
  fields: SERIAL,
  operations: {
    read: {
      effect: "read",
      access: "none",
      summary: "Read a certificate, PEM.",
      handler({ input }, storage) {
        const der = getCertificate(storage, input.serial);
        return der ? raw(`${pem("CERTIFICATE", der)}\n`, CONTENT_TYPE.certificatePem) : raw("", CONTENT_TYPE.certificatePem, 204);
      },
    },
  },
});

const LISTING = pageFields("serial numbers");

const names = (storage: ReadStorage, { after, limit }: { readonly after: string; readonly limit: number }) => storage.list("cert/", { after: serialKey(after), limit });

export const certsPath = definePath({
  template: "certs",
  help: { synopsis: "Lists the serial numbers of stored certificates.", description: "Until tidy forgets them. Those of roles with no_store are not there." },
  fields: LISTING,
  operations: { list: { effect: "read", summary: "List certificates.", handler: async ({ input }, storage) => keyList((await names(storage, input)).map(serialOf)) } },
});

function detail(der: Buffer): Record<string, unknown> {
  const certificate = parseCertificate(der);
  const shape = keyShape(certificate.x509.publicKey);
  const san = certificate.extensions.find(({ oid }) => oid === OID.subjectAltName);
  return {
    common_name: firstOf(nameAttributes(certificate.subject), OID.commonName),
    issuer: nameText(certificate.issuer),
    key_type: shape?.type ?? "",
    key_bits: shape?.bits ?? 0,
    not_after: new Date(certificate.notAfter).toISOString().replace(".000Z", "Z"),
    not_before: new Date(certificate.notBefore).toISOString().replace(".000Z", "Z"),
    dns_names: san ? readNames(san.value).dns : [],
  };
}

/** Each certificate of the list is read: so many at once, unless fewer were asked for. */
const DETAILED_LIMIT = 1000;

export const certsDetailedPath = definePath({
  template: "certs/detailed",
  help: { synopsis: "Lists stored certificates with what they say.", description: `At most ${DETAILED_LIMIT} at once: go on with \`after\`.` },
  fields: LISTING,
  operations: {
    list: {
      effect: "read",
      summary: "List certificates with details.",
      async handler({ input }, storage) {
        const limit = input.limit > 0 ? Math.min(input.limit, DETAILED_LIMIT) : DETAILED_LIMIT;
        const keys = await names(storage, { after: input.after, limit });
        return keyList(keys.map(serialOf), Object.fromEntries(keys.map((key) => [serialOf(key), detail(getCertificate(storage, key)!)])));
      },
    },
  },
});
