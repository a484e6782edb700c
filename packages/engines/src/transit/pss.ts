import { createHash, timingSafeEqual } from "node:crypto";
import type { HashAlgorithm } from "./hash-algorithms.js";

/**
 * The encoding of RSASSA-PSS (RFC 8017, 9.1) for input that is a digest already. OpenSSL does it for messages only, as far as
 * node:crypto lets one see; the RSA arithmetic stays with OpenSSL. MGF1 has the same hash function, as everywhere.
 */
const TRAILER = 0xbc;
const PADDING_BYTES = 8;

const hashOf = ({ openssl }: HashAlgorithm, ...parts: readonly Uint8Array[]): Buffer => parts.reduce((hash, part) => hash.update(part), createHash(openssl)).digest();

function mgf1(hash: HashAlgorithm, seed: Uint8Array, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let made = 0; made < length; made += hash.bytes) {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(blocks.length);
    blocks.push(hashOf(hash, seed, counter));
  }
  return Buffer.concat(blocks).subarray(0, length);
}

const xor = (left: Uint8Array, right: Uint8Array): Buffer => Buffer.from(left.map((byte, at) => byte ^ right[at]!));
const salted = (hash: HashAlgorithm, digest: Uint8Array, salt: Uint8Array): Buffer => hashOf(hash, Buffer.alloc(PADDING_BYTES), digest, salt);
/** Bits at the top that no number below the modulus has. */
const topMask = (modulusBits: number): number => 0xff >> (8 - (((modulusBits - 1) % 8) || 8));
const encodedBytes = (modulusBits: number): number => Math.ceil((modulusBits - 1) / 8);

/** The longest salt that fits. Bytes. */
export const longestSalt = (hash: HashAlgorithm, modulusBits: number): number => encodedBytes(modulusBits) - 2 - hash.bytes;

/** `salt` no longer than `longestSalt`. */
export function encodePss(hash: HashAlgorithm, digest: Uint8Array, salt: Uint8Array, modulusBits: number): Buffer {
  const inner = salted(hash, digest, salt);
  const block = Buffer.alloc(encodedBytes(modulusBits) - hash.bytes - 1);
  block[block.length - salt.length - 1] = 1;
  block.set(salt, block.length - salt.length);
  const masked = xor(block, mgf1(hash, inner, block.length));
  masked[0]! &= topMask(modulusBits);
  return Buffer.concat([masked, inner, Buffer.of(TRAILER)]);
}

/** `saltBytes`: undefined for whatever length the salt has. */
export function verifyPss(hash: HashAlgorithm, digest: Uint8Array, encoded: Uint8Array, modulusBits: number, saltBytes: number | undefined): boolean {
  const bytes = encodedBytes(modulusBits);
  // A modulus of 8n + 1 bits has one more byte than the encoding, which is zero.
  const em = encoded.subarray(encoded.length - bytes);
  if (em.length !== bytes || encoded.subarray(0, encoded.length - bytes).some((byte) => byte !== 0)) return false;
  if (bytes < hash.bytes + 2 || em.at(-1) !== TRAILER) return false;
  const masked = em.subarray(0, bytes - hash.bytes - 1);
  const inner = em.subarray(masked.length, bytes - 1);
  if ((masked[0]! & ~topMask(modulusBits)) !== 0) return false;
  const block = xor(masked, mgf1(hash, inner, masked.length));
  block[0]! &= topMask(modulusBits);
  const one = block.findIndex((byte) => byte !== 0);
  if (one === -1 || block[one] !== 1) return false;
  const salt = block.subarray(one + 1);
  if (saltBytes !== undefined && salt.length !== saltBytes) return false;
  return timingSafeEqual(salted(hash, digest, salt), inner);
}
