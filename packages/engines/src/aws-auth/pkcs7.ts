import "reflect-metadata";
import { createHash, timingSafeEqual, verify } from "node:crypto";
import type { KeyObject, X509Certificate } from "node:crypto";
import { Attribute, ContentInfo, id_data, id_messageDigest, id_signedData, SignedData } from "@peculiar/asn1-cms";
import type { SignerInfo } from "@peculiar/asn1-cms";
import { AsnArray, AsnConvert, AsnType, AsnTypeTypes, OctetString } from "@peculiar/asn1-schema";
import { Certificate } from "@peculiar/asn1-x509";
import { OctetString as BerOctetString, Constructed, fromBER, Sequence } from "asn1js";

/** Characters of base64; what an instance is given has about 1500. */
const MOST_CHARACTERS = 16_384;
/** Digests that AWS signs with: SHA-1 with DSA (`pkcs7`), SHA-256 with RSA (`rsa2048`). */
const DIGESTS: Readonly<Record<string, string>> = { "1.3.14.3.2.26": "sha1", "2.16.840.1.101.3.4.2.1": "sha256" };

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b);
const bytesOf = (value: ArrayBuffer | OctetString): Uint8Array => new Uint8Array(value instanceof OctetString ? value.buffer : value);

/** Who may have signed, by the name that a message calls its signer: issuer and serial number of a certificate, in DER. */
export interface TrustedSigner {
  readonly name: string;
  readonly key: KeyObject;
}

const nameOf = (issuer: unknown, serialNumber: ArrayBuffer): string => `${Buffer.from(AsnConvert.serialize(issuer)).toString("hex")} ${Buffer.from(serialNumber).toString("hex")}`;

export function trustedSigner(certificate: X509Certificate): TrustedSigner {
  const { issuer, serialNumber } = AsnConvert.parse(certificate.raw, Certificate).tbsCertificate;
  return { name: nameOf(issuer, serialNumber), key: certificate.publicKey };
}

/**
 * What a PKCS #7 message (RFC 5652, SignedData with its content in it) says, as bytes; undefined unless it has one signature, and
 * that is by one of `trusted`. The certificates that the message brings are not looked at, so there is no chain to check:
 * AWS signs with a key whose certificate is published. How long a certificate is valid does not matter, as in Vault.
 */
export function signedContent(base64: string, trusted: readonly TrustedSigner[]): Buffer | undefined {
  const text = base64.replaceAll(/-----(?:BEGIN|END) PKCS7-----|\s/g, "");
  if (text.length > MOST_CHARACTERS || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  try {
    return check(Buffer.from(text, "base64"), trusted);
  } catch {
    // It is not the ASN.1 that it should be, or a signature that is none.
    return undefined;
  }
}

function check(der: Uint8Array, trusted: readonly TrustedSigner[]): Buffer | undefined {
  const { contentType, content } = AsnConvert.parse(der, ContentInfo);
  if (contentType !== id_signedData) return undefined;
  const { encapContentInfo, signerInfos } = AsnConvert.parse(content, SignedData);
  const data = contentOf(content);
  const [signer] = signerInfos;
  if (encapContentInfo.eContentType !== id_data || !data || !signer || signerInfos.length !== 1) return undefined;
  const digest = DIGESTS[signer.digestAlgorithm.algorithm];
  const signed = digest === undefined ? undefined : signedBytes(signer, data, digest);
  if (!digest || !signed) return undefined;
  const sid = signer.sid.issuerAndSerialNumber;
  const by = sid && nameOf(sid.issuer, sid.serialNumber);
  return trusted.some(({ name, key }) => name === by && verify(digest, signed, key, bytesOf(signer.signature))) ? Buffer.from(data) : undefined;
}

/** AWS sends the content in BER, as a string in pieces: the schemas read only whole ones. */
function contentOf(signedData: ArrayBuffer): Uint8Array | undefined {
  const { result, offset } = fromBER(signedData);
  const [, , encapsulated] = offset !== -1 && result instanceof Sequence ? result.valueBlock.value : [];
  const [, tagged] = encapsulated instanceof Sequence ? encapsulated.valueBlock.value : [];
  const [inner] = tagged instanceof Constructed ? tagged.valueBlock.value : [];
  return inner instanceof BerOctetString ? new Uint8Array(inner.getValue()) : undefined;
}

/** Attributes are signed as a SET OF, though they are sent under another tag. */
class AttributeSet extends AsnArray<Attribute> {}
AsnType({ type: AsnTypeTypes.Set, itemType: Attribute })(AttributeSet);

/** What the signature is of: the content, or attributes that hold the content's digest (RFC 5652, section 5.4). */
function signedBytes({ signedAttrs }: SignerInfo, data: Uint8Array, digest: string): Uint8Array | undefined {
  if (!signedAttrs) return data;
  const digests = signedAttrs.filter(({ attrType }) => attrType === id_messageDigest).flatMap(({ attrValues }) => attrValues);
  const [one] = digests;
  if (digests.length !== 1 || !one) return undefined;
  if (!isEqual(bytesOf(AsnConvert.parse(one, OctetString)), createHash(digest).update(data).digest())) return undefined;
  return bytesOf(AsnConvert.serialize(new AttributeSet(signedAttrs)));
}
