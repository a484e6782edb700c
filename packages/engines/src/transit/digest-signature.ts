import { constants, createPublicKey, privateEncrypt, publicDecrypt, timingSafeEqual } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { invalid } from "@coffer/state-machine";
import type { Environment } from "@coffer/state-machine";
import type { HashAlgorithm } from "./hash-algorithms.js";
import type { EcType } from "./key-types.js";
import { encodePss, longestSalt, verifyPss } from "./pss.js";

/** Signatures of input that is a digest already (`prehashed`), which node:crypto cannot make: it hashes what it signs. */
const CURVES = Object.freeze({ "P-256": p256, "P-384": p384, "P-521": p521 });

export type EcFormat = "der" | "compact";

const fromBase64Url = (text: string) => Buffer.from(text, "base64url");
/** With the leading zeros that a JWK has. */
const ecSecret = (key: KeyObject) => fromBase64Url(key.export({ format: "jwk" }).d!);

function ecPoint(key: KeyObject): Uint8Array {
  const { x, y } = key.export({ format: "jwk" });
  return Buffer.concat([Buffer.of(4), fromBase64Url(x!), fromBase64Url(y!)]);
}

/** `compact`: r and s as they are, as JWS has them. */
export function signDigestEc({ curve }: EcType, key: KeyObject, digest: Uint8Array, format: EcFormat): Buffer {
  return Buffer.from(CURVES[curve].sign(digest, ecSecret(key), { prehash: false, lowS: false, extraEntropy: true, format }));
}

export function verifyDigestEc({ curve }: EcType, key: KeyObject, digest: Uint8Array, signature: Uint8Array, format: EcFormat): boolean {
  try {
    return CURVES[curve].verify(signature, digest, ecPoint(key), { prehash: false, lowS: false, format });
  } catch {
    return false;
  }
}

/** Throws RequestError 400. */
function checkLength(digest: Uint8Array, hash: HashAlgorithm | undefined): void {
  if (hash && digest.length !== hash.bytes) throw invalid("input must be hashed message");
}

/** Without a hash algorithm the input is signed as it stands. */
const digestInfo = (digest: Uint8Array, hash: HashAlgorithm | undefined) => (hash ? Buffer.concat([Buffer.from(hash.digestInfo, "hex"), digest]) : Buffer.from(digest));

/** PKCS #1 v1.5. Throws RequestError 400. */
export function signDigestPkcs1(key: KeyObject, digest: Uint8Array, hash: HashAlgorithm | undefined): Buffer {
  checkLength(digest, hash);
  try {
    return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, digestInfo(digest, hash));
  } catch {
    throw invalid("message too long for RSA key size");
  }
}

/** Throws RequestError 400 for a digest of another length. */
export function verifyDigestPkcs1(key: KeyObject, digest: Uint8Array, hash: HashAlgorithm | undefined, signature: Uint8Array): boolean {
  checkLength(digest, hash);
  const expected = digestInfo(digest, hash);
  try {
    const signed = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature);
    return signed.length === expected.length && timingSafeEqual(signed, expected);
  } catch {
    return false;
  }
}

const modulusBits = (key: KeyObject): number => (key.type === "private" ? createPublicKey(key) : key).asymmetricKeyDetails!.modulusLength!;

/** `saltBytes`: undefined for the longest. Throws RequestError 400. */
export function signDigestPss(key: KeyObject, digest: Uint8Array, hash: HashAlgorithm, saltBytes: number | undefined, env: Environment): Buffer {
  checkLength(digest, hash);
  const bits = modulusBits(key);
  const encoded = encodePss(hash, digest, env.randomBytes(saltBytes ?? longestSalt(hash, bits)), bits);
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded);
}

/** `saltBytes`: undefined for any. Throws RequestError 400 for a digest of another length. */
export function verifyDigestPss(key: KeyObject, digest: Uint8Array, hash: HashAlgorithm, signature: Uint8Array, saltBytes: number | undefined): boolean {
  checkLength(digest, hash);
  try {
    return verifyPss(hash, digest, publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature), modulusBits(key), saltBytes);
  } catch {
    return false;
  }
}
