import { constants, createHash, sign, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { explicit, integer, NULL, oid, sequence } from "./der.js";
import { keyShape } from "./key-material.js";
import type { Maybe } from "./maybe.js";
import { OID } from "./oids.js";

/** How a key signs: the AlgorithmIdentifier that goes into what is signed, and the signature. */
export interface Signer {
  /** Vault's name, as `revocation_signature_algorithm` has it. */
  readonly name: string;
  readonly algorithm: Buffer;
  readonly sign: (content: Uint8Array) => Maybe<Buffer>;
}

export interface SignatureWish {
  /** 256, 384, 512, or 0 for what the key asks for. Curves have their own. */
  readonly bits: number;
  /** RSASSA-PSS rather than PKCS#1 v1.5. */
  readonly pss: boolean;
}

const HASH_OID: Readonly<Record<number, Buffer>> = Object.freeze({ 256: oid(OID.sha256), 384: oid(OID.sha384), 512: oid(OID.sha512) });
const RSA_OID: Readonly<Record<number, string>> = Object.freeze({ 256: "1.2.840.113549.1.1.11", 384: "1.2.840.113549.1.1.12", 512: "1.2.840.113549.1.1.13" });
const ECDSA_OID: Readonly<Record<number, string>> = Object.freeze({ 256: "1.2.840.10045.4.3.2", 384: "1.2.840.10045.4.3.3", 512: "1.2.840.10045.4.3.4" });
const CURVE_HASH: Readonly<Record<number, number>> = Object.freeze({ 224: 256, 256: 256, 384: 384, 521: 512 });

/** What `revocation_signature_algorithm` may be; empty means the default of the key. */
export const SIGNATURE_WISHES: Readonly<Record<string, SignatureWish & { readonly type: string }>> = Object.freeze({
  SHA256WithRSA: { type: "rsa", bits: 256, pss: false },
  SHA384WithRSA: { type: "rsa", bits: 384, pss: false },
  SHA512WithRSA: { type: "rsa", bits: 512, pss: false },
  SHA256WithRSAPSS: { type: "rsa", bits: 256, pss: true },
  SHA384WithRSAPSS: { type: "rsa", bits: 384, pss: true },
  SHA512WithRSAPSS: { type: "rsa", bits: 512, pss: true },
  ECDSAWithSHA256: { type: "ec", bits: 256, pss: false },
  ECDSAWithSHA384: { type: "ec", bits: 384, pss: false },
  ECDSAWithSHA512: { type: "ec", bits: 512, pss: false },
  PureEd25519: { type: "ed25519", bits: 0, pss: false },
  Ed25519: { type: "ed25519", bits: 0, pss: false },
});

/** RFC 4055: the parameters of RSASSA-PSS with a salt as long as the hash. */
function pssAlgorithm(bits: number): Buffer {
  const hash = sequence(HASH_OID[bits]!, NULL);
  return sequence(oid(OID.rsaPss), sequence(explicit(0, hash), explicit(1, sequence(oid(OID.mgf1), hash)), explicit(2, integer(bits / 8))));
}

/** RSA signs on libuv's threads: with a large key that takes milliseconds. */
function signOnThread(digest: string, content: Uint8Array, key: Parameters<typeof sign>[2]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    sign(digest, content, key as KeyObject, (error, signature) => (error ? reject(error) : resolve(signature)));
  });
}

export function createSigner(key: KeyObject, wish: SignatureWish): Signer {
  const shape = keyShape(key)!;
  switch (shape.type) {
    case "rsa": {
      const bits = wish.bits === 0 ? 256 : wish.bits;
      const digest = `sha${bits}`;
      if (!wish.pss) return { name: `SHA${bits}WithRSA`, algorithm: sequence(oid(RSA_OID[bits]!), NULL), sign: (content) => signOnThread(digest, content, key) };
      const padded = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: bits / 8 };
      return { name: `SHA${bits}WithRSAPSS`, algorithm: pssAlgorithm(bits), sign: (content) => signOnThread(digest, content, padded) };
    }
    case "ec": {
      const bits = CURVE_HASH[shape.bits]!;
      const digest = `sha${bits}`;
      return { name: `ECDSAWithSHA${bits}`, algorithm: sequence(oid(ECDSA_OID[bits]!)), sign: (content) => sign(digest, content, key) };
    }
    case "ed25519":
      return { name: "PureEd25519", algorithm: sequence(oid(OID.ed25519)), sign: (content) => sign(null, content, key) };
  }
}

const DIGESTS: Readonly<Record<string, string | null>> = Object.freeze({
  "1.2.840.113549.1.1.11": "sha256", "1.2.840.113549.1.1.12": "sha384", "1.2.840.113549.1.1.13": "sha512",
  "1.2.840.10045.4.3.1": "sha224", "1.2.840.10045.4.3.2": "sha256", "1.2.840.10045.4.3.3": "sha384", "1.2.840.10045.4.3.4": "sha512",
  [OID.ed25519]: null,
});
const PSS_HASHES = ["sha256", "sha384", "sha512"] as const;

/** Whether a signature of another's making holds. SHA-1 and older never do. */
export function verifySignature(algorithmOid: string, content: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  try {
    if (algorithmOid === OID.rsaPss) {
      return PSS_HASHES.some((digest) => verify(digest, content, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }, signature));
    }
    const digest = DIGESTS[algorithmOid];
    return digest !== undefined && verify(digest, content, key, signature);
  } catch {
    return false;
  }
}

/** RFC 5280, 4.2.1.2, method 1: SHA-1 of the public key's bits, which names the key and protects nothing. */
export const keyIdentifier = (publicKeyBits: Uint8Array): Buffer => createHash("sha1").update(publicKeyBits).digest();
