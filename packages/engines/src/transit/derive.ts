import { createHmac } from "node:crypto";
import { invalid } from "@coffer/state-machine";
import { ed25519FromSeed, secretBytes } from "./material.js";
import type { Key, KeyVersion } from "./storage.js";

const HASH_BYTES = 32;
const ED25519_SEED_BYTES = 32;

const hmacSha256 = (key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer => parts.reduce((hmac, part) => hmac.update(part), createHmac("sha256", key)).digest();

/**
 * HKDF (RFC 5869) with SHA-256. node:crypto's own takes no `info` beyond 1 KiB, and a context may be longer.
 * `length`: bytes, at most 255 times 32.
 */
export function hkdfSha256(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Buffer {
  const extracted = hmacSha256(salt.length === 0 ? Buffer.alloc(HASH_BYTES) : salt, secret);
  const blocks: Buffer[] = [];
  for (let made = 0; made < length; made += HASH_BYTES) blocks.push(hmacSha256(extracted, blocks.at(-1) ?? Buffer.alloc(0), info, Buffer.of(blocks.length + 1)));
  return Buffer.concat(blocks).subarray(0, length);
}

/** NIST SP 800-108 in counter mode, as the oldest derived keys of Vault have it: one block, counted from 0, of 256 bits. */
function counterKdf(secret: Uint8Array, context: Uint8Array): Buffer {
  return hmacSha256(secret, Buffer.of(0, 0, 0, 0), context, Buffer.of(0, 0, 1, 0));
}

/** Throws RequestError 400 without a context. */
function requireContext(context: Uint8Array): void {
  if (context.length > 0) return;
  throw invalid("missing 'context' for key derivation; the key was created using a derived key, which means additional, per-request information must be included in order to perform operations with the key");
}

/** `length` bytes of key material for a context; the key itself where keys are not derived. Throws RequestError 400. */
export function keyBytes(key: Key, version: KeyVersion, context: Uint8Array, length: number): Buffer {
  if (!key.derived) return secretBytes(version);
  requireContext(context);
  if (key.kdf === "hmac-sha256-counter") return counterKdf(secretBytes(version), context).subarray(0, length);
  return hkdfSha256(secretBytes(version), Buffer.alloc(0), context, length);
}

/** The signing key of a context. Throws RequestError 400. */
export function derivedEd25519(key: Key, version: KeyVersion, context: Uint8Array) {
  return ed25519FromSeed(keyBytes(key, version, context, ED25519_SEED_BYTES));
}
