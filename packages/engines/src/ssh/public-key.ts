import sshpk from "sshpk";
import { invalid } from "@coffer/state-machine";
import { readStrings } from "./wire.js";

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

export const KEY_TYPES: Readonly<Record<string, KeyType>> = {
  "ssh-rsa": { kind: "rsa", parts: 2 },
  "ecdsa-sha2-nistp256": { kind: "ecdsa", parts: 2, bits: 256 },
  "ecdsa-sha2-nistp384": { kind: "ecdsa", parts: 2, bits: 384 },
  "ecdsa-sha2-nistp521": { kind: "ecdsa", parts: 2, bits: 521 },
  "ssh-ed25519": { kind: "ed25519", parts: 1, bits: 0 },
  "sk-ssh-ed25519@openssh.com": { kind: "ed25519", parts: 2, bits: 0, isHardware: true },
  "sk-ecdsa-sha2-nistp256@openssh.com": { kind: "ecdsa", parts: 3, bits: 256, isHardware: true },
};

const ED25519_BYTES = 32;
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
  return { type, blob, kind: known.kind, bits: known.isHardware ? known.bits! : bitsOf(type, encoded) };
}

function bitsOf(type: string, encoded: string): number {
  try {
    const { size } = sshpk.parseKey(`${type} ${encoded}`, "ssh");
    return KEY_TYPES[type]!.bits ?? size;
  } catch {
    throw invalid("failed to parse public_key as SSH key: broken key");
  }
}

/** As in an authorized_keys file. */
export const authorizedKey = (type: string, blob: Uint8Array): string => `${type} ${Buffer.from(blob).toString("base64")}\n`;
