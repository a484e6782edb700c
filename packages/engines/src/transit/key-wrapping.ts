import { constants, createCipheriv, createDecipheriv, createPrivateKey, privateDecrypt, publicEncrypt } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { invalid } from "@coffer/state-machine";
import { privateKey } from "./material.js";
import type { KeyVersion } from "./storage.js";

/**
 * How keys come from outside, and go to another transit mount: an AES key under RSA-OAEP, then the key under that AES key by
 * AES-KWP (RFC 5649). PKCS #11 calls it CKM_RSA_AES_KEY_WRAP.
 */
const OAEP_HASHES: Readonly<Record<string, string>> = Object.freeze({ SHA1: "sha1", SHA224: "sha224", SHA256: "sha256", SHA384: "sha384", SHA512: "sha512" });
const KWP = "id-aes256-wrap-pad";
const KWP_IV = Buffer.from("a65959a6", "hex");
const EPHEMERAL_BYTES = 32;
const BITS_A_BYTE = 8;

/** Throws RequestError 400. */
function oaep(key: KeyObject, hash: string) {
  const name = hash.toUpperCase();
  if (!Object.hasOwn(OAEP_HASHES, name)) throw invalid(`unknown hash function: ${hash}`);
  return { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: OAEP_HASHES[name]! };
}

/** The key that was wrapped. Whatever is wrong with it, the error is the same. Throws RequestError 400. */
export function unwrapKey(wrappingKey: KeyVersion, wrapped: Uint8Array, hash: string): Buffer {
  const key = privateKey(wrappingKey);
  const options = oaep(key, hash);
  const bytes = key.asymmetricKeyDetails!.modulusLength! / BITS_A_BYTE;
  if (wrapped.length <= bytes) throw invalid("provided ciphertext is too short");
  try {
    const ephemeral = privateDecrypt(options, wrapped.subarray(0, bytes));
    const decipher = createDecipheriv(KWP, ephemeral, KWP_IV);
    return Buffer.concat([decipher.update(wrapped.subarray(bytes)), decipher.final()]);
  } catch {
    throw invalid("the wrapped key cannot be unwrapped with this mount's wrapping key");
  }
}

/** The opposite; `ephemeral`: 32 random bytes. Throws RequestError 400. */
export function wrapKey(wrappingKey: KeyObject, key: Uint8Array, hash: string, ephemeral: Uint8Array): Buffer {
  if (ephemeral.length !== EPHEMERAL_BYTES) throw new RangeError("the ephemeral key has 32 bytes");
  const cipher = createCipheriv(KWP, ephemeral, KWP_IV);
  return Buffer.concat([publicEncrypt(oaep(wrappingKey, hash), ephemeral), cipher.update(key), cipher.final()]);
}

/** Throws RequestError 400. */
export function parsePkcs8(der: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
  } catch {
    throw invalid("error parsing asymmetric key: not a PKCS #8 private key");
  }
}
