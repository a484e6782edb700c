import { constants, createHmac, publicEncrypt } from "node:crypto";
import { invalid } from "@coffer/state-machine";
import type { Environment, ReadStorage } from "@coffer/state-machine";
import { open, seal } from "./aead.js";
import { decodeBase64 } from "./base64.js";
import { keyBytes } from "./derive.js";
import { CONVERGENT_VERSION } from "./generate.js";
import { capabilitiesOf, typeOf } from "./key-types.js";
import type { AeadType } from "./key-types.js";
import { oaepKey, publicKey } from "./material.js";
import type { Key, KeyVersion } from "./storage.js";
import { parseVersioned, versioned } from "./versioned.js";
import { refuseSoftDeleted, requireVersion, versionToCheck, versionToUse } from "./versions.js";

/** Whatever is wrong with a ciphertext, no more is told. */
const UNDECIPHERABLE = "cipher: message authentication failed";
const CONVERGENCE_KEY_BYTES = 32;

export interface EncryptionOptions {
  readonly context: Uint8Array;
  readonly associatedData: Uint8Array;
}

/** Throws RequestError 400 for keys that do not encrypt, and associated data where the cipher has none. */
export function checkEncryption(key: Key, { associatedData }: EncryptionOptions, what: "encryption" | "decryption"): void {
  refuseSoftDeleted(key);
  const can = capabilitiesOf(key.type);
  if (!can.encryption) throw invalid(`message ${what} not supported for key type ${key.type}`);
  if (associatedData.length > 0 && !can.associatedData) throw invalid(`'associated_data' provided for non-AEAD cipher suite ${key.type}`);
}

function refuseOldConvergence(key: Key, { convergent_version: own }: KeyVersion): void {
  if (!key.convergent_encryption) return;
  const version = own === 0 ? key.convergent_version : own;
  if (version !== CONVERGENT_VERSION || key.kdf !== "hkdf_sha256") throw invalid(`refusing to support old convergent encryption key: version ${version}`);
}

/**
 * The key for one context, and a nonce: random, or of convergent keys the HMAC of the plaintext, so that only equal
 * plaintexts share one. The HMAC's key is derived together with the encryption key.
 */
function sealWith(type: AeadType, key: Key, version: KeyVersion, plaintext: Uint8Array, { context, associatedData }: EncryptionOptions, env: Environment): Buffer {
  if (!key.convergent_encryption) return seal(type, keyBytes(key, version, context, type.keyBytes), env.randomBytes(type.nonceBytes), plaintext, associatedData);
  const both = keyBytes(key, version, context, type.keyBytes + CONVERGENCE_KEY_BYTES);
  const nonce = createHmac("sha256", both.subarray(type.keyBytes)).update(plaintext).digest().subarray(0, type.nonceBytes);
  return seal(type, both.subarray(0, type.keyBytes), nonce, plaintext, associatedData);
}

/** Throws RequestError 400. `asked`: a version, or 0 for the latest. */
export function encrypt(storage: ReadStorage, key: Key, plaintext: Uint8Array, asked: number, options: EncryptionOptions, env: Environment): { readonly ciphertext: string; readonly version: number } {
  checkEncryption(key, options, "encryption");
  const number = versionToUse(key, asked, "encryption");
  const version = requireVersion(storage, key, number);
  refuseOldConvergence(key, version);
  const type = typeOf(key.type);
  const sealed = type.family === "aead" ? sealWith(type, key, version, plaintext, options, env) : sealForRsa(version, plaintext);
  return { ciphertext: versioned(number, sealed.toString("base64")), version: number };
}

function sealForRsa(version: KeyVersion, plaintext: Uint8Array): Buffer {
  try {
    return publicEncrypt({ key: publicKey(version), padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" }, plaintext);
  } catch {
    throw invalid("failed to RSA encrypt the plaintext: message too long for RSA key size");
  }
}

/** Throws, or rejects with, RequestError 400. A promise for RSA only, whose arithmetic leaves the main thread. */
export function decrypt(storage: ReadStorage, key: Key, ciphertext: string, options: EncryptionOptions): Buffer | Promise<Buffer> {
  checkEncryption(key, options, "decryption");
  const parsed = parseVersioned(ciphertext, "ciphertext");
  // Keys were counted from 0 once.
  const number = versionToCheck(key, parsed.version === 0 ? 1 : parsed.version, "ciphertext");
  const sealed = decodeCiphertext(parsed.text);
  const version = requireVersion(storage, key, number);
  refuseOldConvergence(key, version);
  const type = typeOf(key.type);
  if (type.family !== "aead") return openWithRsa(version, sealed);
  const plaintext = open(type, keyBytes(key, version, options.context, type.keyBytes), sealed, options.associatedData);
  if (!plaintext) throw invalid(UNDECIPHERABLE);
  return plaintext;
}

function decodeCiphertext(text: string): Buffer {
  try {
    return decodeBase64(text);
  } catch {
    throw invalid("invalid ciphertext: could not decode base64");
  }
}

async function openWithRsa(version: KeyVersion, sealed: Uint8Array): Promise<Buffer> {
  if (version.secret === "") throw invalid("cannot decrypt ciphertext, key version does not have a private counterpart");
  const key = await oaepKey(version);
  try {
    return Buffer.from(await crypto.subtle.decrypt({ name: "RSA-OAEP" }, key, sealed));
  } catch {
    throw invalid(UNDECIPHERABLE);
  }
}
