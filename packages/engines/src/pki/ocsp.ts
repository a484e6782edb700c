import { createHash } from "node:crypto";
import { child, CONTEXT, oidOf, readAsn1, TAG } from "./asn1.js";
import type { Asn1 } from "./asn1.js";
import { readExtensions, signed } from "./certificate.js";
import type { Certificate } from "./certificate.js";
import { enumerated, explicit, generalizedTime, implicit, octetString, oid, sequence, tlv } from "./der.js";
import type { Maybe } from "./maybe.js";
import { then } from "./maybe.js";
import { OID } from "./oids.js";
import type { Signer } from "./signer.js";

/** What is asked about one certificate (RFC 6960, 4.1.1). */
export interface OcspQuestion {
  /** CertID as it stands: an answer repeats it. */
  readonly certId: Buffer;
  readonly hash: "sha1" | "sha256" | "sha384" | "sha512";
  readonly issuerNameHash: Buffer;
  readonly issuerKeyHash: Buffer;
  readonly serial: Buffer;
}

export interface OcspRequest {
  readonly questions: readonly OcspQuestion[];
  /** The value of the nonce's extension, to be repeated. */
  readonly nonce: Buffer | undefined;
}

const WHAT = "the OCSP request";
const HASHES: Readonly<Record<string, OcspQuestion["hash"]>> = Object.freeze({ [OID.sha1]: "sha1", [OID.sha256]: "sha256", [OID.sha384]: "sha384", [OID.sha512]: "sha512" });
/** RFC 9654: longer nonces are refused. */
const MAX_NONCE = 130;

/** Undefined for what is malformed, or asks by a hash that nobody uses. */
export function parseOcspRequest(der: Uint8Array): OcspRequest | undefined {
  try {
    const tbs = child(readAsn1(der, WHAT), 0, WHAT);
    const list = tbs.children.find(({ tag }) => tag === TAG.sequence);
    const nonce = readExtensions(tbs.children.find(({ tag }) => tag === CONTEXT + 2)?.children[0]).find((one) => one.oid === OID.ocspNonce)?.value;
    const questions = (list?.children ?? []).map((request) => question(child(request, 0, WHAT)));
    return questions.length === 0 || (nonce?.length ?? 0) > MAX_NONCE || questions.some((one) => one === undefined) ? undefined : { questions: questions as OcspQuestion[], nonce };
  } catch {
    return undefined;
  }
}

function question(id: Asn1): OcspQuestion | undefined {
  const hash = HASHES[oidOf(child(id, 0, WHAT).children[0])];
  return hash && { certId: id.der, hash, issuerNameHash: child(id, 1, WHAT).content, issuerKeyHash: child(id, 2, WHAT).content, serial: child(id, 3, WHAT).content };
}

/** Whether a question is about certificates of this issuer. */
export function isAbout({ hash, issuerNameHash, issuerKeyHash }: OcspQuestion, issuer: Certificate): boolean {
  const digest = (bytes: Uint8Array) => createHash(hash).update(bytes).digest();
  return digest(issuer.subject.der).equals(issuerNameHash) && digest(issuer.publicKeyBits).equals(issuerKeyHash);
}

export type OcspStatus = { readonly kind: "good" } | { readonly kind: "unknown" } | { readonly kind: "revoked"; readonly revokedMs: number };

export interface OcspAnswer {
  readonly certId: Uint8Array;
  readonly status: OcspStatus;
}

/** RFC 6960, 4.2.1: why there is no answer. These are not signed. */
export const OCSP_ERROR = Object.freeze({ malformedRequest: 1, internalError: 2, unauthorized: 6 });
export const ocspError = (code: number): Buffer => sequence(enumerated(code));

function status(value: OcspStatus): Buffer {
  switch (value.kind) {
    case "good":
      return implicit(0, Buffer.alloc(0));
    case "unknown":
      return implicit(2, Buffer.alloc(0));
    case "revoked":
      return tlv(0xa1, generalizedTime(value.revokedMs));
  }
}

export interface OcspResponsePlan {
  readonly responderKeyId: Uint8Array;
  readonly producedMs: number;
  /** Undefined: newer information is always there. */
  readonly nextUpdateMs: number | undefined;
  readonly answers: readonly OcspAnswer[];
  readonly nonce: Uint8Array | undefined;
  /** The issuer's certificate, which signs. */
  readonly certificate: Uint8Array;
}

/** A successful response, DER (RFC 6960, 4.2.1). */
export function buildOcspResponse({ responderKeyId, producedMs, nextUpdateMs, answers, nonce, certificate }: OcspResponsePlan, signer: Signer): Maybe<Buffer> {
  const responses = answers.map((one) => sequence(one.certId, status(one.status), generalizedTime(producedMs), ...(nextUpdateMs === undefined ? [] : [explicit(0, generalizedTime(nextUpdateMs))])));
  const content = sequence(
    explicit(2, octetString(responderKeyId)),
    generalizedTime(producedMs),
    sequence(...responses),
    ...(nonce ? [explicit(1, sequence(sequence(oid(OID.ocspNonce), octetString(nonce))))] : []),
  );
  return then(signed(content, signer, explicit(0, sequence(certificate))), (basic) => sequence(enumerated(0), explicit(0, sequence(oid(OID.ocspBasic), octetString(basic)))));
}
