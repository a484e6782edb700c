import { createECDH, createPrivateKey, createPublicKey, generateKeyPair, generateKeyPairSync } from "node:crypto";
import type { ECDH, KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { invalid } from "@coffer/state-machine";
import { bitString, explicit, integer, octetString, oid, sequence } from "./der.js";
import type { Maybe } from "./maybe.js";
import { OID } from "./oids.js";
import { pem } from "./pem.js";

export const KEY_TYPES = Object.freeze(["rsa", "ec", "ed25519"] as const);
export type KeyType = (typeof KEY_TYPES)[number];

/** A private key in the form Vault has by default: PKCS#1 for RSA, SEC 1 for curves, PKCS#8 for Ed25519. */
export interface KeyMaterial {
  readonly type: KeyType;
  readonly bits: number;
  readonly der: Buffer;
  /** SubjectPublicKeyInfo. */
  readonly spki: Buffer;
}

interface Curve {
  /** OpenSSL's name. */
  readonly name: string;
  readonly oid: Buffer;
}

const CURVES: Readonly<Record<number, Curve>> = Object.freeze({
  224: { name: "secp224r1", oid: oid("1.3.132.0.33") },
  256: { name: "prime256v1", oid: oid("1.2.840.10045.3.1.7") },
  384: { name: "secp384r1", oid: oid("1.3.132.0.34") },
  521: { name: "secp521r1", oid: oid("1.3.132.0.35") },
});
const EC_PUBLIC_KEY = oid(OID.ecPublicKey);
const DEFAULT_BITS: Readonly<Record<KeyType, number>> = Object.freeze({ rsa: 2048, ec: 256, ed25519: 0 });
const ALLOWED_BITS: Readonly<Record<KeyType, readonly number[]>> = Object.freeze({ rsa: [2048, 3072, 4096, 8192], ec: [224, 256, 384, 521], ed25519: [0] });
const LABELS: Readonly<Record<KeyType, string>> = Object.freeze({ rsa: "RSA PRIVATE KEY", ec: "EC PRIVATE KEY", ed25519: "PRIVATE KEY" });
export const MIN_RSA_BITS = 2048;
const HASH_BITS: readonly number[] = Object.freeze([0, 256, 384, 512]);
const generate = promisify(generateKeyPair);

/** The bits that 0 stands for. Throws RequestError 400 for a type or a size that there is not. */
export function checkKeySize(type: string, bits: number): number {
  if (!KEY_TYPES.includes(type as KeyType)) throw invalid(`unknown key type ${type}`);
  if (type === "ed25519") return 0;
  const size = bits === 0 ? DEFAULT_BITS[type as KeyType] : bits;
  if (type === "rsa" && size < MIN_RSA_BITS) throw invalid(`RSA keys < ${MIN_RSA_BITS} bits are unsafe and not supported: got ${size}`);
  if (!ALLOWED_BITS[type as KeyType].includes(size)) throw invalid(`unsupported bit length for ${type === "rsa" ? "RSA" : "EC"} key: ${size}`);
  return size;
}

/** Throws RequestError 400 for a hash that there is not. 0 means: as the key asks for. */
export function checkSignatureBits(bits: number): void {
  if (!HASH_BITS.includes(bits)) throw invalid(`unsupported hash signature algorithm: ${bits}`);
}

/** RSA keys are made on libuv's threads; the others at once. */
export function generateKey(type: KeyType, bits: number): Maybe<KeyMaterial> {
  switch (type) {
    case "ec":
      return generateEc(bits);
    case "rsa":
      return generate("rsa", { modulusLength: bits, publicKeyEncoding: { type: "spki", format: "der" }, privateKeyEncoding: { type: "pkcs1", format: "der" } }).then(
        ({ publicKey, privateKey }) => ({ type, bits, der: privateKey, spki: publicKey }),
      );
    case "ed25519": {
      const pair = generateKeyPairSync("ed25519", { publicKeyEncoding: { type: "spki", format: "der" }, privateKeyEncoding: { type: "pkcs8", format: "der" } });
      return { type, bits, der: pair.privateKey, spki: pair.publicKey };
    }
  }
}

/** One a curve, given a new key each time: making one costs as much as making a key. It holds no key but the last one that went out. */
const generators = new Map<number, ECDH>();

/** OpenSSL makes the key; its encoders are the slow part, and both structures are a few fixed bytes (RFC 5915, RFC 5480). */
function generateEc(bits: number): KeyMaterial {
  const curve = CURVES[bits]!;
  let ecdh = generators.get(bits);
  if (!ecdh) generators.set(bits, (ecdh = createECDH(curve.name)));
  const point = ecdh.generateKeys();
  const scalar = ecdh.getPrivateKey();
  const size = Math.ceil(bits / 8);
  const padded = scalar.length === size ? scalar : Buffer.concat([Buffer.alloc(size - scalar.length), scalar]);
  const der = sequence(integer(1), octetString(padded), explicit(0, curve.oid), explicit(1, bitString(point)));
  return { type: "ec", bits, der, spki: sequence(sequence(EC_PUBLIC_KEY, curve.oid), bitString(point)) };
}

const FORMATS: Readonly<Record<KeyType, "pkcs1" | "sec1" | "pkcs8">> = Object.freeze({ rsa: "pkcs1", ec: "sec1", ed25519: "pkcs8" });

export const privateKeyObject = ({ type, der }: Pick<KeyMaterial, "type" | "der">): KeyObject => createPrivateKey({ key: der, format: "der", type: FORMATS[type] });

export const toPkcs8 = (key: KeyMaterial): Buffer => (key.type === "ed25519" ? key.der : privateKeyObject(key).export({ type: "pkcs8", format: "der" }));

export const privateKeyPem = (key: Pick<KeyMaterial, "type" | "der">): string => pem(LABELS[key.type], key.der);

const CURVE_BITS: Readonly<Record<string, number>> = Object.freeze(Object.fromEntries(Object.entries(CURVES).map(([bits, { name }]) => [name, Number(bits)])));

/** Undefined for a kind of key that PKI has no use for. */
export function keyShape(key: KeyObject): { readonly type: KeyType; readonly bits: number } | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "rsa") return { type, bits: details?.modulusLength ?? 0 };
  if (type === "ed25519") return { type, bits: 0 };
  const bits = type === "ec" ? CURVE_BITS[details?.namedCurve ?? ""] : undefined;
  return bits === undefined ? undefined : { type: "ec", bits };
}

const NAMED_CURVES: Readonly<Record<number, Buffer>> = Object.freeze(Object.fromEntries(Object.entries(CURVES).map(([bits, curve]) => [bits, sequence(EC_PUBLIC_KEY, curve.oid)])));
const MOST_HEADER_BYTES = 4;

/** A curve must be named; one that brings parameters of its own could be any curve (RFC 5480, 2.1.1). */
export function namesItsCurve({ type, bits }: Pick<KeyMaterial, "type" | "bits">, spki: Uint8Array): boolean {
  const at = type === "ec" ? Buffer.from(spki).indexOf(NAMED_CURVES[bits]!) : 0;
  return at >= 0 && at <= MOST_HEADER_BYTES;
}

/** A private key of a PEM block. Throws RequestError 400. */
export function importKey(label: string, der: Buffer): KeyMaterial {
  const key = readPrivateKey(label, der);
  const shape = key && keyShape(key);
  if (!key || !shape) throw invalid("unable to parse the private key: expected RSA, EC (P-224 to P-521) or Ed25519");
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  if (!namesItsCurve(shape, spki)) throw invalid("unable to parse the private key: its curve has no name");
  return { ...shape, der: key.export({ type: FORMATS[shape.type] as "pkcs8", format: "der" }), spki };
}

function readPrivateKey(label: string, der: Buffer): KeyObject | undefined {
  try {
    return createPrivateKey({ key: `${pem(label, der)}\n`, format: "pem" });
  } catch {
    return undefined;
  }
}

/** Undefined for what OpenSSL does not read. */
export function publicKeyObject(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

/** What a key's identifier is the hash of: the BIT STRING at the end of a SubjectPublicKeyInfo; each type has a head of known length. */
export function publicKeyBits({ type, bits, spki }: Pick<KeyMaterial, "type" | "bits" | "spki">): Buffer {
  if (type === "ec") return spki.subarray(spki.length - (2 * Math.ceil(bits / 8) + 1));
  if (type === "ed25519") return spki.subarray(spki.length - 32);
  // SEQUENCE of 4 bytes, AlgorithmIdentifier of 15, BIT STRING's head of 4 and its count of unused bits.
  return spki.subarray(24);
}
