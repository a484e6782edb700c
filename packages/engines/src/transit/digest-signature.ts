import { constants, createPublicKey, publicDecrypt, timingSafeEqual } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { invalid } from "@coffer/state-machine";
import type { Environment } from "@coffer/state-machine";
import type { EcFormat } from "./digest-arithmetic.js";
import { onDigestThread } from "./digest-thread.js";
import type { HashAlgorithm } from "./hash-algorithms.js";
import type { EcType } from "./key-types.js";
import { encodePss, longestSalt, verifyPss } from "./pss.js";

/** Signatures of input that is a digest already (`prehashed`), which node:crypto cannot make: it hashes what it signs. */
const asBuffer = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export const signDigestEc = ({ curve }: EcType, key: KeyObject, digest: Uint8Array, format: EcFormat): Promise<Buffer> => onDigestThread({ kind: "ec-sign", curve, key, digest, format }).then(asBuffer);

export const verifyDigestEc = ({ curve }: EcType, key: KeyObject, digest: Uint8Array, signature: Uint8Array, format: EcFormat): Promise<boolean> =>
  onDigestThread({ kind: "ec-verify", curve, key, digest, signature, format });

/** Throws RequestError 400. */
function checkLength(digest: Uint8Array, hash: HashAlgorithm | undefined): void {
  if (hash && digest.length !== hash.bytes) throw invalid("input must be hashed message");
}

/** Without a hash algorithm the input is signed as it stands. */
const digestInfo = (digest: Uint8Array, hash: HashAlgorithm | undefined) => (hash ? Buffer.concat([Buffer.from(hash.digestInfo, "hex"), digest]) : Buffer.from(digest));

const PKCS1_PADDING_BYTES = 11;

/** PKCS #1 v1.5. Throws RequestError 400. */
export function signDigestPkcs1(key: KeyObject, digest: Uint8Array, hash: HashAlgorithm | undefined): Promise<Buffer> {
  checkLength(digest, hash);
  const input = digestInfo(digest, hash);
  if (input.length > Math.ceil(modulusBits(key) / 8) - PKCS1_PADDING_BYTES) throw invalid("message too long for RSA key size");
  return onDigestThread({ kind: "rsa-sign", padding: "pkcs1", key, input }).then(asBuffer);
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
export function signDigestPss(key: KeyObject, digest: Uint8Array, hash: HashAlgorithm, saltBytes: number | undefined, env: Environment): Promise<Buffer> {
  checkLength(digest, hash);
  const bits = modulusBits(key);
  const encoded = encodePss(hash, digest, env.randomBytes(saltBytes ?? longestSalt(hash, bits)), bits);
  return onDigestThread({ kind: "rsa-sign", padding: "none", key, input: encoded }).then(asBuffer);
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
