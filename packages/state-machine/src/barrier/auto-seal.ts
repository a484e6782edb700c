import { createHash } from "node:crypto";
import { sameBytes } from "./shamir-seal.js";
import { BarrierError, openValue, sealValue, sealedTerm } from "./sealed-value.js";
import { activeTerm } from "./keyring.js";
import type { Keyring } from "./keyring.js";

/** An auto seal keeps the root key in somebody else's care: a KMS, another cluster, a key of the machine. */

/** The root key as each seal wrapped it; outside the barrier, in place of `core/root-key`. */
export const ROOT_KEY_WRAPS_KEY = "core/root-key-wraps";
/** What a quorum of recovery shares is recognised by. */
export const RECOVERY_KEY_KEY = "core/recovery-key";

export interface RootKeyWrap {
  /** Of the seal, as the configuration names it. */
  readonly name: string;
  readonly type: string;
  /** Which of the seal's keys wrapped it, as the seal names them. */
  readonly keyId: string;
  readonly ciphertext: string;
}

/** The seals that the configuration names. */
export interface SealSet {
  /** That of the first enabled seal; `shamir` where none is. */
  readonly type: string;
  /** By every enabled seal that can be reached. Rejects with RequestError `upstream_failed` where none can. */
  wrap(rootKey: Uint8Array): Promise<readonly RootKeyWrap[]>;
  /**
   * By the first seal, in the order of priority, that can; disabled ones come last. Rejects with RequestError
   * `upstream_failed`, in words for an operator. The caller overwrites what it got.
   */
  unwrap(wraps: readonly RootKeyWrap[]): Promise<Uint8Array>;
  /** Whether each enabled seal has wrapped it, with the key that the seal uses now, and nobody else. */
  isCurrent(wraps: readonly RootKeyWrap[]): boolean;
}

/** Where key shares are all there is. */
export const SHAMIR_ONLY: SealSet = Object.freeze({
  type: "shamir",
  wrap: () => Promise.reject(new Error("no seal is configured that could wrap the root key")),
  unwrap: () => Promise.reject(new Error("no seal is configured that could unwrap the root key")),
  isCurrent: () => true,
});

export function encodeWraps(wraps: readonly RootKeyWrap[]): Uint8Array {
  return Buffer.from(JSON.stringify({ wraps }));
}

export function decodeWraps(bytes: Uint8Array): readonly RootKeyWrap[] {
  const { wraps } = JSON.parse(Buffer.from(bytes).toString()) as { readonly wraps: readonly RootKeyWrap[] };
  return wraps;
}

const digest = (recoveryKey: Uint8Array) => createHash("sha256").update(recoveryKey).digest();

/** The key is 256 random bits, so a plain digest gives nothing away; sealed all the same. Ready for `core/recovery-key`. */
export function sealRecoveryKey(keyring: Keyring, recoveryKey: Uint8Array): Uint8Array {
  const { key, term } = activeTerm(keyring);
  return sealValue(key, term, RECOVERY_KEY_KEY, digest(recoveryKey));
}

export function isRecoveryKey(keyring: Keyring, sealed: Uint8Array, recoveryKey: Uint8Array): boolean {
  const row = keyring.find(({ term }) => term === sealedTerm(sealed));
  if (!row) throw new BarrierError();
  return sameBytes(openValue(row.key, RECOVERY_KEY_KEY, sealed), digest(recoveryKey));
}
