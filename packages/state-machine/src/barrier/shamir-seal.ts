import { timingSafeEqual } from "node:crypto";
import { combine, split } from "shamir-secret-sharing";
import { RequestError, invalid } from "../errors.js";
import { checkSealConfig } from "./seal-config.js";
import { KEY_BYTES, openValue, sealValue } from "./sealed-value.js";

/** Shamir's seal: a key that exists only in shares seals the root key. */

export const ROOT_KEY_KEY = "core/root-key";
/** A share carries its coordinate in one more byte. */
const SHARE_BYTES = KEY_BYTES + 1;
const UNSEAL_TERM = 0;

/** Any `threshold` of the shares give the key back. One of one is the key itself, as in Vault. */
export async function splitKey(key: Uint8Array, shares: number, threshold: number): Promise<Uint8Array[]> {
  checkSealConfig(shares, threshold);
  if (shares === 1) return [new Uint8Array(key)];
  // The library tells a plain Uint8Array by its constructor.
  return split(new Uint8Array(key), shares, threshold);
}

export async function combineShares(shares: readonly Uint8Array[], threshold: number): Promise<Uint8Array> {
  if (threshold === 1) return new Uint8Array(shares[0]!);
  return combine(shares.map((share) => new Uint8Array(share)));
}

/** Ready for `core/root-key`. */
export function sealRootKey(unsealKey: Uint8Array, rootKey: Uint8Array): Uint8Array {
  return sealValue(unsealKey, UNSEAL_TERM, ROOT_KEY_KEY, rootKey);
}

/** Throws BarrierError. */
export function openRootKey(unsealKey: Uint8Array, sealed: Uint8Array): Uint8Array {
  return openValue(unsealKey, ROOT_KEY_KEY, sealed);
}

export interface UnsealSession<Opened> {
  /** Shares given so far. */
  readonly progress: () => number;
  /** Of this attempt; empty before its first share. */
  readonly nonce: () => string;
  reset(): void;
  /**
   * One more share; what `open` gave, once they suffice and are right, else undefined. A share given before does not count
   * again. Throws RequestError 400 for a share of a wrong length, and, with the progress starting over, for a wrong set.
   */
  add(share: Uint8Array): Promise<Opened | undefined>;
}

/** Throws RequestError 400 for what cannot be a share of a key. */
export function checkShare(share: Uint8Array): void {
  if (share.length < KEY_BYTES) throw invalid(`key is shorter than minimum ${KEY_BYTES} bytes`);
  if (share.length > SHARE_BYTES) throw invalid(`key is longer than maximum ${SHARE_BYTES} bytes`);
}

/** In constant time. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Collects shares. `open` tries the combined key, which is overwritten after that; it throws when the key is wrong. */
export function createUnsealSession<Opened>(threshold: number, newNonce: () => string, open: (key: Uint8Array) => Opened | Promise<Opened>): UnsealSession<Opened> {
  let parts: Uint8Array[] = [];
  let nonce = "";

  function reset(): void {
    for (const part of parts) part.fill(0);
    parts = [];
    nonce = "";
  }

  async function tryParts(): Promise<Opened> {
    // Taken away first: a share that comes meanwhile begins a new attempt.
    const taken = parts;
    parts = [];
    nonce = "";
    let key: Uint8Array | undefined;
    try {
      key = await combineShares(taken, threshold);
      return await open(key);
    } catch (error) {
      if (error instanceof RequestError) throw error;
      throw invalid("unseal failed, invalid key");
    } finally {
      key?.fill(0);
      for (const part of taken) part.fill(0);
    }
  }

  return {
    progress: () => parts.length,
    nonce: () => nonce,
    reset,
    async add(share) {
      checkShare(share);
      if (parts.some((part) => sameBytes(part, share))) return undefined;
      if (nonce === "") nonce = newNonce();
      parts.push(new Uint8Array(share));
      return parts.length < threshold ? undefined : tryParts();
    },
  };
}
