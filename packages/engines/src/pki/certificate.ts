import { X509Certificate } from "node:crypto";
import { invalid } from "@coffer/state-machine";
import { bitsOf, child, CONTEXT, numberOf, oidOf, readAsn1, readSequence, TAG, timeOf } from "./asn1.js";
import type { Asn1 } from "./asn1.js";
import { bitString, sequence } from "./der.js";
import type { Maybe } from "./maybe.js";
import { then } from "./maybe.js";
import { OID } from "./oids.js";
import { colonHex } from "./pem.js";
import type { Signer } from "./signer.js";

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Buffer;
  readonly der: Buffer;
}

/** What PKI asks of a certificate, read once. */
export interface Certificate {
  readonly der: Buffer;
  /** "0a:1b:…". */
  readonly serial: string;
  readonly serialBytes: Buffer;
  readonly issuer: Asn1;
  readonly subject: Asn1;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly spki: Buffer;
  readonly publicKeyBits: Buffer;
  readonly isCa: boolean;
  /** -1: no limit. */
  readonly maxPathLength: number;
  /** The bits as they stand; undefined without the extension. */
  readonly keyUsage: Buffer | undefined;
  readonly subjectKeyId: Buffer | undefined;
  readonly authorityKeyId: Buffer | undefined;
  readonly extensions: readonly Extension[];
  readonly version3: boolean;
  readonly x509: X509Certificate;
}

const WHAT = "the certificate";

/** Throws RequestError 400. */
export function parseCertificate(der: Uint8Array): Certificate {
  const root = readSequence(der, WHAT);
  const tbs = child(root, 0, WHAT);
  const shift = tbs.children[0]?.tag === CONTEXT ? 1 : 0;
  const at = (index: number) => child(tbs, index + shift, WHAT);
  const validity = at(3);
  const spki = at(5);
  const extensions = readExtensions(tbs.children.find(({ tag }) => tag === CONTEXT + 3)?.children[0]);
  const valueOf = (oid: string) => extensions.find((one) => one.oid === oid)?.value;
  const serialBytes = at(0).content;
  const basic = valueOf(OID.basicConstraints);
  const constraints = basic && readAsn1(basic, WHAT).children;
  const skid = valueOf(OID.subjectKeyIdentifier);
  const akid = valueOf(OID.authorityKeyIdentifier);
  const usage = valueOf(OID.keyUsage);
  return {
    der: root.der,
    serialBytes,
    serial: colonHex(serialBytes.length > 1 && serialBytes[0] === 0 ? serialBytes.subarray(1) : serialBytes),
    issuer: at(2),
    subject: at(4),
    notBefore: timeOf(child(validity, 0, WHAT), WHAT),
    notAfter: timeOf(child(validity, 1, WHAT), WHAT),
    spki: spki.der,
    publicKeyBits: bitsOf(child(spki, 1, WHAT)),
    isCa: constraints?.[0]?.tag === TAG.boolean && constraints[0].content[0] !== 0,
    maxPathLength: constraints?.[1] ? numberOf(constraints[1]) : -1,
    keyUsage: usage && bitsOf(readAsn1(usage, WHAT)),
    subjectKeyId: skid && readAsn1(skid, WHAT).content,
    authorityKeyId: akid && readAsn1(akid, WHAT).children.find(({ tag }) => tag === CONTEXT)?.content,
    extensions,
    version3: shift === 1,
    x509: readX509(root.der),
  };
}

function readX509(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch {
    throw invalid("the certificate could not be parsed");
  }
}

/** Of `Extensions`, wherever they stand. */
export function readExtensions(list: Asn1 | undefined): Extension[] {
  return (list?.children ?? []).map(({ children, der }) => {
    const value = children[children.length - 1];
    if (!value || value.tag !== TAG.octetString) throw invalid("an extension is malformed");
    return { oid: oidOf(children[0]), critical: children.length === 3 && children[1]!.content[0] !== 0, value: value.content, der };
  });
}

export const hasUsage = ({ keyUsage }: Certificate, bit: number): boolean => keyUsage === undefined || ((keyUsage[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;

export const isSelfSigned = (certificate: Certificate): boolean => certificate.issuer.der.equals(certificate.subject.der) && isSignedBy(certificate, certificate);

/** Whether `issuer`'s key made the signature. */
export function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  try {
    return certificate.issuer.der.equals(issuer.subject.der) && certificate.x509.verify(issuer.x509.publicKey);
  } catch {
    return false;
  }
}

/** Certificate, CRL, OCSP response data and CSR are all signed alike: content, algorithm, signature. */
export function signed(content: Uint8Array, { algorithm, sign }: Signer, ...more: readonly Uint8Array[]): Maybe<Buffer> {
  return then(sign(content), (signature) => sequence(content, algorithm, bitString(signature), ...more));
}
