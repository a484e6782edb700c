import { createPublicKey } from "node:crypto";
import type { JsonWebKey, KeyObject } from "node:crypto";
import { invalid } from "@coffer/state-machine";
import { mpint, readStrings, string } from "./wire.js";

/** A public key as it stands in an authorized_keys file. */
export interface PublicKey {
  /** `ssh-ed25519`, say. */
  readonly type: string;
  readonly blob: Buffer;
  readonly kind: "rsa" | "ecdsa" | "ed25519";
  /** Of RSA the modulus', of ECDSA the curve's; 0 of Ed25519. */
  readonly bits: number;
}

interface KeyType {
  readonly kind: PublicKey["kind"];
  /** Strings behind the type. */
  readonly parts: number;
  readonly bits?: number;
  /** Held by a security key (FIDO). */
  readonly isHardware?: boolean;
}

const KEY_TYPES: Readonly<Record<string, KeyType>> = {
  "ssh-rsa": { kind: "rsa", parts: 2 },
  "ecdsa-sha2-nistp256": { kind: "ecdsa", parts: 2, bits: 256 },
  "ecdsa-sha2-nistp384": { kind: "ecdsa", parts: 2, bits: 384 },
  "ecdsa-sha2-nistp521": { kind: "ecdsa", parts: 2, bits: 521 },
  "ssh-ed25519": { kind: "ed25519", parts: 1, bits: 0 },
  "sk-ssh-ed25519@openssh.com": { kind: "ed25519", parts: 2, bits: 0, isHardware: true },
  "sk-ecdsa-sha2-nistp256@openssh.com": { kind: "ecdsa", parts: 3, bits: 256, isHardware: true },
};

const ED25519_BYTES = 32;
const UNCOMPRESSED = 4;
/** Characters; 16384 bits of RSA have 2800. */
const MOST_CHARACTERS = 8192;

/** With or without type and comment. Throws RequestError 400; a certificate is no public key. */
export function parsePublicKey(text: string): PublicKey {
  const words = text.trim().split(/\s+/);
  const encoded = (words.length > 1 ? words[1] : words[0]) ?? "";
  if (text.length > MOST_CHARACTERS || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) throw invalid("failed to parse public_key as SSH key: illegal base64 data");
  const blob = Buffer.from(encoded, "base64");
  const strings = readStrings(blob);
  const type = strings?.[0]?.toString("latin1") ?? "";
  const known = Object.hasOwn(KEY_TYPES, type) ? KEY_TYPES[type] : undefined;
  if (!strings || !known || strings.length !== known.parts + 1) throw invalid("failed to parse public_key as SSH key: unknown or broken key");
  if (words.length > 1 && words[0] !== type) throw invalid("failed to parse public_key as SSH key: its type is not what it says");
  if (known.kind === "ed25519" && strings[1]!.length !== ED25519_BYTES) throw invalid("failed to parse public_key as SSH key: broken key");
  return { type, blob, kind: known.kind, bits: known.isHardware ? known.bits! : bitsOf(known, strings) };
}

/** OpenSSL must take it: a number, a point of its curve. Throws RequestError 400. */
function bitsOf({ kind, bits }: KeyType, [, first, second]: readonly Buffer[]): number {
  const jwk = kind === "rsa" ? rsaJwk(first!, second!) : kind === "ecdsa" ? pointJwk(bits!, first!, second!) : { kty: "OKP", crv: "Ed25519", x: first!.toString("base64url") };
  try {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
    return bits ?? key.asymmetricKeyDetails!.modulusLength!;
  } catch {
    throw invalid("failed to parse public_key as SSH key: broken key");
  }
}

const isOne = (number: Buffer) => number.length === 1 && number[0] === 1;
const isPositive = (number: Buffer) => number.length > 0 && number[0]! < 0x80;

function rsaJwk(e: Buffer, n: Buffer): JsonWebKey | undefined {
  // With an exponent of 1 anybody can sign.
  return isPositive(e) && !isOne(e) && isPositive(n) ? { kty: "RSA", e: e.toString("base64url"), n: n.toString("base64url") } : undefined;
}

function pointJwk(bits: number, curve: Buffer, point: Buffer): JsonWebKey | undefined {
  const size = Math.ceil(bits / 8);
  if (curve.toString("latin1") !== `nistp${bits}` || point.length !== 2 * size + 1 || point[0] !== UNCOMPRESSED) return undefined;
  return { kty: "EC", crv: `P-${bits}`, x: point.subarray(1, size + 1).toString("base64url"), y: point.subarray(size + 1).toString("base64url") };
}

/** Of a private or a public key: RSA, Ed25519, or a curve of NIST's. Undefined for others. */
export function publicKeyOf(key: KeyObject): PublicKey | undefined {
  const jwk = (key.type === "private" ? createPublicKey(key) : key).export({ format: "jwk" });
  const bytes = (value: string | undefined) => Buffer.from(value ?? "", "base64url");
  if (jwk.kty === "RSA") return made("ssh-rsa", mpint(bytes(jwk.e)), mpint(bytes(jwk.n)));
  if (jwk.kty === "OKP" && jwk.crv === "Ed25519") return made("ssh-ed25519", string(bytes(jwk.x)));
  const bits = jwk.kty === "EC" ? /^P-(256|384|521)$/.exec(jwk.crv ?? "")?.[1] : undefined;
  return bits === undefined ? undefined : made(`ecdsa-sha2-nistp${bits}`, string(`nistp${bits}`), string(Buffer.concat([Buffer.of(UNCOMPRESSED), bytes(jwk.x), bytes(jwk.y)])));
}

const made = (type: string, ...parts: readonly Buffer[]): PublicKey => parsePublicKey(Buffer.concat([string(type), ...parts]).toString("base64"));

/** As in an authorized_keys file. */
export const authorizedKey = (type: string, blob: Uint8Array): string => `${type} ${Buffer.from(blob).toString("base64")}\n`;
