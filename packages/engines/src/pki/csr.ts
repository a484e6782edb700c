import type { KeyObject } from "node:crypto";
import { invalid } from "@coffer/state-machine";
import { bitsOf, child, CONTEXT, oidOf, readSequence } from "./asn1.js";
import type { Asn1 } from "./asn1.js";
import { readExtensions, signed } from "./certificate.js";
import type { Extension } from "./certificate.js";
import { integer, oid, sequence, setOf, tlv } from "./der.js";
import { readNames, NO_NAMES } from "./general-names.js";
import type { AlternativeNames } from "./general-names.js";
import { keyShape, namesItsCurve, publicKeyObject } from "./key-material.js";
import type { KeyType } from "./key-material.js";
import type { Maybe } from "./maybe.js";
import { nameAttributes } from "./name-text.js";
import type { NameAttribute } from "./name-text.js";
import { OID } from "./oids.js";
import { pemBlocks } from "./pem.js";
import { verifySignature } from "./signer.js";
import type { Signer } from "./signer.js";

/** A certification request (RFC 2986) whose signature holds. */
export interface CertificateRequest {
  readonly subject: Asn1;
  readonly attributes: readonly NameAttribute[];
  readonly spki: Buffer;
  readonly publicKeyBits: Buffer;
  readonly keyType: KeyType;
  readonly keyBits: number;
  readonly names: AlternativeNames;
  readonly extensions: readonly Extension[];
}

const WHAT = "the certificate request";

/** Throws RequestError 400, also where the request was not signed by the key it is about. */
export function parseCsr(text: string): CertificateRequest {
  if (text === "") throw invalid('"csr" is empty');
  const block = pemBlocks(text).find(({ label }) => label === "CERTIFICATE REQUEST" || label === "NEW CERTIFICATE REQUEST");
  if (!block) throw invalid("csr contains no data");
  return parseCsrDer(block.der);
}

/** As `parseCsr`, of DER. */
export function parseCsrDer(der: Uint8Array): CertificateRequest {
  const root = readSequence(der, WHAT);
  const info = child(root, 0, WHAT);
  const spki = child(info, 2, WHAT);
  const key = publicKeyObject(spki.der);
  const shape = key && keyShape(key);
  if (!key || !shape || !namesItsCurve(shape, spki.der)) throw invalid("Refusing to sign CSR with empty PublicKey: its kind of key is not known");
  if (isWeak(key)) throw invalid("the certificate request's key has a public exponent that protects nothing");
  const signature = child(root, 2, WHAT);
  if (!verifySignature(oidOf(child(root, 1, WHAT).children[0]), info.der, key, bitsOf(signature))) throw invalid("request signature invalid");
  const extensions = requestedExtensions(info);
  const names = extensions.find((one) => one.oid === OID.subjectAltName)?.value;
  const subject = child(info, 1, WHAT);
  return {
    subject,
    attributes: nameAttributes(subject),
    spki: spki.der,
    publicKeyBits: bitsOf(child(spki, 1, WHAT)),
    keyType: shape.type,
    keyBits: shape.bits,
    names: names ? readNames(names) : NO_NAMES,
    extensions,
  };
}

const LEAST_EXPONENT = 3n;

/** With an exponent of 1 anybody can sign. */
function isWeak({ asymmetricKeyDetails }: KeyObject): boolean {
  const exponent = asymmetricKeyDetails?.publicExponent;
  return exponent !== undefined && (exponent < LEAST_EXPONENT || exponent % 2n === 0n);
}

function requestedExtensions(info: Asn1): Extension[] {
  const attributes = info.children.find(({ tag }) => tag === CONTEXT)?.children ?? [];
  return attributes.flatMap(({ children: [type, values] }) => (oidOf(type) === OID.extensionRequest ? readExtensions(values?.children[0]) : []));
}

/** A request for a key's own certificate. `extensions` are whole extensions, one after the other. */
export function buildCsr(name: Uint8Array, spki: Uint8Array, extensions: Uint8Array, signer: Signer): Maybe<Buffer> {
  const attributes = extensions.length > 0 ? [sequence(oid(OID.extensionRequest), setOf(sequence(extensions)))] : [];
  return signed(sequence(integer(0), name, spki, tlv(0xa0, ...attributes)), signer);
}
