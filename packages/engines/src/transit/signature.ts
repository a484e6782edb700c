import { constants, createPublicKey, sign as signWithNode, verify as verifyWithNode } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { invalid } from "@coffer/state-machine";
import type { Environment, ReadStorage } from "@coffer/state-machine";
import { decodeBase64, decodeBase64Url } from "./base64.js";
import { derivedEd25519 } from "./derive.js";
import { signDigestEc, signDigestPkcs1, signDigestPss, verifyDigestEc, verifyDigestPkcs1, verifyDigestPss } from "./digest-signature.js";
import type { HashAlgorithm } from "./hash-algorithms.js";
import { typeOf } from "./key-types.js";
import type { EcType } from "./key-types.js";
import { ed25519Key, privateKey, publicKey } from "./material.js";
import { longestSalt } from "./pss.js";
import type { Key, KeyVersion } from "./storage.js";
import { parseVersioned, versioned } from "./versioned.js";
import { refuseSoftDeleted, requireVersion, versionToCheck, versionToUse } from "./versions.js";

export interface SignatureOptions {
  /** Undefined: the input is signed as it stands (`none`). */
  readonly hash: HashAlgorithm | undefined;
  /** The input is a digest already. */
  readonly prehashed: boolean;
  readonly marshaling: "asn1" | "jws";
  /** pss or pkcs1v15; not looked at for other keys than RSA. */
  readonly rsaScheme: string;
  /** Bytes. `auto` is the longest when signing, and any when verifying. */
  readonly saltLength: "auto" | "hash" | number;
}

/** On libuv's pool; signatures of digests are made on a thread of their own. */
const signInPool = promisify(signWithNode);

const ED25519_SPKI_BYTES = 32;

function saltBytes({ saltLength, hash }: SignatureOptions, key: KeyObject): number | undefined {
  if (saltLength === "auto") return undefined;
  const bytes = saltLength === "hash" ? hash!.bytes : saltLength;
  const { modulusLength } = (key.type === "private" ? createPublicKey(key) : key).asymmetricKeyDetails!;
  if (bytes > longestSalt(hash!, modulusLength!)) throw invalid(`requested salt length ${bytes} is invalid`);
  return bytes;
}

/** Throws RequestError 400. */
function checkScheme({ rsaScheme }: SignatureOptions): void {
  if (rsaScheme !== "pss" && rsaScheme !== "pkcs1v15") throw invalid(`unsupported rsa signature algorithm ${rsaScheme}`);
}

function rsaSign(key: KeyObject, input: Uint8Array, options: SignatureOptions, env: Environment): Buffer | Promise<Buffer> {
  checkScheme(options);
  const { hash, prehashed, rsaScheme } = options;
  if (rsaScheme === "pkcs1v15") return prehashed ? signDigestPkcs1(key, input, hash) : signInPool(hash!.openssl, input, { key, padding: constants.RSA_PKCS1_PADDING });
  const salt = saltBytes(options, key);
  if (prehashed) return signDigestPss(key, input, hash!, salt, env);
  return signInPool(hash!.openssl, input, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: salt ?? constants.RSA_PSS_SALTLEN_MAX_SIGN });
}

function rsaVerify(key: KeyObject, input: Uint8Array, signature: Uint8Array, options: SignatureOptions): boolean {
  checkScheme(options);
  const { hash, prehashed, rsaScheme } = options;
  if (rsaScheme === "pkcs1v15") return prehashed ? verifyDigestPkcs1(key, input, hash, signature) : verifyWithNode(hash!.openssl, input, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
  const salt = saltBytes(options, key);
  if (prehashed) return verifyDigestPss(key, input, hash!, signature, salt);
  return verifyWithNode(hash!.openssl, input, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: salt ?? constants.RSA_PSS_SALTLEN_AUTO }, signature);
}

function ecSign(type: EcType, key: KeyObject, input: Uint8Array, { hash, prehashed, marshaling }: SignatureOptions): Buffer | Promise<Buffer> {
  if (prehashed) return signDigestEc(type, key, input, marshaling === "asn1" ? "der" : "compact");
  return signInPool(hash!.openssl, input, { key, dsaEncoding: marshaling === "asn1" ? "der" : "ieee-p1363" });
}

const SEQUENCE = 0x30;
const INTEGER = 0x02;

/** Where the value of this tag ends, from an offset on; undefined: there is none. Lengths of ECDSA's signatures need two bytes at most. */
function derEnd(bytes: Uint8Array, offset: number, tag: number): { readonly start: number; readonly end: number } | undefined {
  const short = bytes[offset + 1];
  if (bytes[offset] !== tag || short === undefined || short > 0x81) return undefined;
  const start = offset + (short === 0x81 ? 3 : 2);
  const end = start + (short === 0x81 ? (bytes[offset + 2] ?? 0) : short);
  return end > bytes.length ? undefined : { start, end };
}

/** Throws RequestError 400 for what is no pair of numbers (RFC 3279, section 2.2.3), and so no signature of any key. */
function checkEcSignature(bytes: Uint8Array): void {
  const pair = derEnd(bytes, 0, SEQUENCE);
  const first = pair && derEnd(bytes, pair.start, INTEGER);
  const second = first && derEnd(bytes, first.end, INTEGER);
  if (!second || second.end !== pair.end) throw invalid("supplied signature is invalid");
  if (pair.end !== bytes.length) throw invalid("supplied signature contains extra data");
}

function ecVerify(type: EcType, key: KeyObject, input: Uint8Array, signature: Uint8Array, { hash, prehashed, marshaling }: SignatureOptions): boolean | Promise<boolean> {
  if (marshaling === "asn1") checkEcSignature(signature);
  if (prehashed) return verifyDigestEc(type, key, input, signature, marshaling === "asn1" ? "der" : "compact");
  return verifyWithNode(hash!.openssl, input, { key, dsaEncoding: marshaling === "asn1" ? "der" : "ieee-p1363" }, signature);
}

function rawPublicKey(key: KeyObject): Buffer {
  return Buffer.from(createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-ED25519_SPKI_BYTES));
}

export interface Signature {
  readonly signature: string;
  readonly version: number;
  /** Of derived keys, base64: nobody could know it otherwise. */
  readonly publicKey?: string;
}

/** Throws, or rejects with, RequestError 400. `asked`: a version, or 0 for the latest. A promise where the arithmetic is slow. */
export function sign(storage: ReadStorage, key: Key, input: Uint8Array, context: Uint8Array, asked: number, options: SignatureOptions, env: Environment): Signature | Promise<Signature> {
  refuseSoftDeleted(key);
  const number = versionToUse(key, asked, "signing");
  const version = requireVersion(storage, key, number);
  if (version.secret === "") throw invalid("requested version for signing does not contain a private part");
  const done = (bytes: Buffer, derived?: KeyObject): Signature => ({
    signature: versioned(number, bytes.toString(options.marshaling === "asn1" ? "base64" : "base64url")),
    version: number,
    ...(derived && { publicKey: rawPublicKey(derived).toString("base64") }),
  });
  const type = typeOf(key.type);
  if (type.family === "ed25519") {
    const derived = key.derived ? derivedEd25519(key, version, context) : undefined;
    return done(signWithNode(null, input, derived ?? ed25519Key(version)), derived);
  }
  const bytes = type.family === "rsa" ? rsaSign(privateKey(version), input, options, env) : ecSign(type as EcType, privateKey(version), input, options);
  return bytes instanceof Promise ? bytes.then((made) => done(made)) : done(bytes);
}

/** Whether the signature is right. A promise where the arithmetic is slow. Throws RequestError 400 for what is no signature of this key at all. */
export function verify(storage: ReadStorage, key: Key, input: Uint8Array, context: Uint8Array, signature: string, options: SignatureOptions): boolean | Promise<boolean> {
  refuseSoftDeleted(key);
  const parsed = parseVersioned(signature, "signature");
  const number = versionToCheck(key, parsed.version, "signature");
  const bytes = decodeSignature(parsed.text, options);
  return verifyBytes(key, requireVersion(storage, key, number), input, context, bytes, options);
}

function decodeSignature(text: string, { marshaling }: SignatureOptions): Buffer {
  try {
    return marshaling === "asn1" ? decodeBase64(text) : decodeBase64Url(text);
  } catch {
    throw invalid("invalid base64 signature value");
  }
}

function verifyBytes(key: Key, version: KeyVersion, input: Uint8Array, context: Uint8Array, signature: Buffer, options: SignatureOptions): boolean | Promise<boolean> {
  const type = typeOf(key.type);
  switch (type.family) {
    case "ed25519":
      return verifyWithNode(null, input, key.derived ? createPublicKey(derivedEd25519(key, version, context)) : publicKey(version), signature);
    case "rsa":
      return rsaVerify(publicKey(version), input, signature, options);
    default:
      return ecVerify(type as EcType, publicKey(version), input, signature, options);
  }
}
