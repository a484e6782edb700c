import { createCipheriv, createDecipheriv, randomFillSync } from "node:crypto";
import type { CipherKey } from "node:crypto";

/**
 * Sealed bytes: version (1) | key term (u32, big-endian) | nonce (12) | ciphertext | tag (16). AES-256-GCM; the place where
 * the value is kept is its associated data, so that a value moved elsewhere does not open.
 */

export const KEY_BYTES = 32;
const VERSION = 1;
const NONCE_AT = 5;
const NONCE_BYTES = 12;
const HEADER_BYTES = NONCE_AT + NONCE_BYTES;
const TAG_BYTES = 16;
const OVERHEAD = HEADER_BYTES + TAG_BYTES;

/** Says nothing of the reason: a wrong key, a moved value and a flipped bit look alike. */
export class BarrierError extends Error {
  constructor() {
    super("a sealed value cannot be opened");
    this.name = "BarrierError";
  }
}

// One system call for many nonces. Random 96-bit nonces are sound for 2^32 values a key; the term is rotated long before.
const nonces = Buffer.alloc(NONCE_BYTES * 1024);
let nextNonce = nonces.length;

function writeNonce(target: Buffer, at: number): void {
  if (nextNonce === nonces.length) {
    randomFillSync(nonces);
    nextNonce = 0;
  }
  nonces.copy(target, at, nextNonce, nextNonce + NONCE_BYTES);
  nextNonce += NONCE_BYTES;
}

export function sealValue(key: CipherKey, term: number, place: string, plaintext: Uint8Array): Uint8Array {
  const sealed = Buffer.allocUnsafe(plaintext.length + OVERHEAD);
  sealed[0] = VERSION;
  sealed.writeUInt32BE(term, 1);
  writeNonce(sealed, NONCE_AT);
  const cipher = createCipheriv("aes-256-gcm", key, sealed.subarray(NONCE_AT, HEADER_BYTES));
  cipher.setAAD(Buffer.from(place));
  // GCM is a stream: all of the ciphertext comes from `update`.
  cipher.update(plaintext).copy(sealed, HEADER_BYTES);
  cipher.final();
  cipher.getAuthTag().copy(sealed, sealed.length - TAG_BYTES);
  return sealed;
}

/** The term of the key that sealed it. Throws BarrierError. */
export function sealedTerm(sealed: Uint8Array): number {
  if (sealed.length < OVERHEAD || sealed[0] !== VERSION) throw new BarrierError();
  return ((sealed[1]! << 24) | (sealed[2]! << 16) | (sealed[3]! << 8) | sealed[4]!) >>> 0;
}

/** Throws BarrierError. */
export function openValue(key: CipherKey, place: string, sealed: Uint8Array): Uint8Array {
  // Checks the shape too.
  sealedTerm(sealed);
  const tagAt = sealed.length - TAG_BYTES;
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(NONCE_AT, HEADER_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(place));
    decipher.setAuthTag(sealed.subarray(tagAt));
    const plaintext = decipher.update(sealed.subarray(HEADER_BYTES, tagAt));
    decipher.final();
    return plaintext;
  } catch {
    throw new BarrierError();
  }
}
