import "reflect-metadata";
import { createHash, verify } from "node:crypto";
import { BasicOCSPResponse, CertID, id_pkix_ocsp_basic, OCSPRequest, OCSPResponse, OCSPResponseStatus, Request, TBSRequest } from "@peculiar/asn1-ocsp";
import type { SingleResponse } from "@peculiar/asn1-ocsp";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import { AlgorithmIdentifier, Certificate as CertificateSchema } from "@peculiar/asn1-x509";
import type { Certificate } from "./certificates.js";
import { parseCertificate } from "./certificates.js";
import { isIssuedBy, periodProblem } from "./chain.js";

const SHA1 = "1.3.14.3.2.26";
const OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
/** Digests by signature algorithm; null for those that have none of their own. SHA-1 is not believed. */
const DIGESTS: Readonly<Record<string, string | null>> = {
  "1.2.840.113549.1.1.11": "sha256", "1.2.840.113549.1.1.12": "sha384", "1.2.840.113549.1.1.13": "sha512",
  "1.2.840.10045.4.3.2": "sha256", "1.2.840.10045.4.3.3": "sha384", "1.2.840.10045.4.3.4": "sha512",
  "1.3.101.112": null,
};
const SKEW_MS = 300_000;

const sha1 = (bytes: Uint8Array | ArrayBuffer): Buffer => createHash("sha1").update(Buffer.from(bytes as ArrayBuffer)).digest();
const schema = ({ node }: Certificate): CertificateSchema => AsnConvert.parse(node.raw, CertificateSchema);

/** Which certificate is asked about (RFC 6960, section 4.1.1). SHA-1 names here, it does not prove: every server knows it. */
function certId(client: Certificate, issuer: Certificate): CertID {
  const { subject, subjectPublicKeyInfo } = schema(issuer).tbsCertificate;
  return new CertID({
    hashAlgorithm: new AlgorithmIdentifier({ algorithm: SHA1, parameters: null }),
    issuerNameHash: new OctetString(sha1(AsnConvert.serialize(subject))),
    issuerKeyHash: new OctetString(sha1(subjectPublicKeyInfo.subjectPublicKey)),
    serialNumber: schema(client).tbsCertificate.serialNumber,
  });
}

/** DER. Without a nonce: most responders sign ahead. */
export function ocspRequest(client: Certificate, issuer: Certificate): Buffer {
  const request = new OCSPRequest({ tbsRequest: new TBSRequest({ requestList: [new Request({ reqCert: certId(client, issuer) })] }) });
  return Buffer.from(AsnConvert.serialize(request));
}

export type OcspStatus = "good" | "revoked" | "unknown";

export interface OcspAnswer {
  readonly status: OcspStatus;
  /** Milliseconds since 1970; 0: it does not say. */
  readonly nextUpdateMs: number;
}

export interface Asked {
  readonly client: Certificate;
  readonly issuer: Certificate;
  /** Whose answers are believed beside the issuer's. */
  readonly extra: readonly Certificate[];
  readonly nowMs: number;
  /** Milliseconds; 0: any. */
  readonly maxAgeMs: number;
}

/** Throws an Error for what is no current and well signed answer about the certificate (RFC 6960, sections 3.2 and 4.2.2). */
export function readOcspResponse(der: Uint8Array, asked: Asked): OcspAnswer {
  const { responseStatus, responseBytes } = AsnConvert.parse(der, OCSPResponse);
  if (responseStatus !== OCSPResponseStatus.successful || responseBytes?.responseType !== id_pkix_ocsp_basic) throw new Error("the OCSP server does not answer the question");
  const basic = AsnConvert.parse(responseBytes.response.buffer, BasicOCSPResponse);
  checkSigner(basic, asked);
  const wanted = certId(asked.client, asked.issuer);
  const single = basic.tbsResponseData.responses.find(({ certID }) => isSameId(certID, wanted));
  if (!single) throw new Error("the OCSP server answers about another certificate");
  return { status: statusOf(single), nextUpdateMs: checkTimes(single, asked) };
}

const sameBytes = (a: ArrayBuffer, b: ArrayBuffer): boolean => Buffer.from(a).equals(Buffer.from(b));
const isSameId = (a: CertID, b: CertID): boolean =>
  a.hashAlgorithm.algorithm === b.hashAlgorithm.algorithm && sameBytes(a.serialNumber, b.serialNumber) && sameBytes(a.issuerNameHash.buffer, b.issuerNameHash.buffer) && sameBytes(a.issuerKeyHash.buffer, b.issuerKeyHash.buffer);

function statusOf({ certStatus }: SingleResponse): OcspStatus {
  if (certStatus.revoked) return "revoked";
  return certStatus.good === null ? "good" : "unknown";
}

function checkTimes({ thisUpdate, nextUpdate }: SingleResponse, { nowMs, maxAgeMs }: Asked): number {
  if (thisUpdate.getTime() > nowMs + SKEW_MS) throw new Error("the OCSP server's answer is of the future");
  if (nextUpdate && nextUpdate.getTime() < nowMs - SKEW_MS) throw new Error("the OCSP server's answer has ended");
  if (maxAgeMs > 0 && thisUpdate.getTime() < nowMs - maxAgeMs) throw new Error("the OCSP server's answer is too old");
  return nextUpdate?.getTime() ?? 0;
}

/** By the issuer itself, by whom it has named for this, or by whom the role trusts. */
function checkSigner({ tbsResponseDataRaw: signed, signature, signatureAlgorithm, certs = [] }: BasicOCSPResponse, { issuer, extra, nowMs }: Asked): void {
  const digest = DIGESTS[signatureAlgorithm.algorithm];
  if (signed === undefined || digest === undefined) throw new Error("the OCSP server signs in a way that is not believed");
  const trusted = [issuer, ...extra];
  const delegated = certs.flatMap((one) => parseCertificate(new Uint8Array(AsnConvert.serialize(one))) ?? []).filter((one) => isDelegated(one, trusted, nowMs));
  const isBy = ({ node }: Certificate): boolean => {
    try {
      return verify(digest, Buffer.from(signed), node.publicKey, Buffer.from(signature));
    } catch {
      return false;
    }
  };
  if (![...trusted, ...delegated].some(isBy)) throw new Error("the OCSP server's answer is signed by nobody who may");
}

function isDelegated(one: Certificate, trusted: readonly Certificate[], nowMs: number): boolean {
  const usages = one.node.keyUsage as readonly string[] | undefined;
  return usages?.includes(OCSP_SIGNING) === true && periodProblem(one, nowMs) === undefined && trusted.some((issuer) => isIssuedBy(one, issuer));
}
