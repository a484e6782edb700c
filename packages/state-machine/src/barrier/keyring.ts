import type { Environment } from "../framework/engine.js";
import { BarrierError, KEY_BYTES, openValue, sealValue, sealedTerm } from "./sealed-value.js";

/** The keys that seal stored values, newest last. Old ones stay: what they sealed is not rewritten. */
export interface KeyringTerm {
  readonly term: number;
  readonly key: Uint8Array;
  /** Milliseconds since 1970. */
  readonly installedAt: number;
  /** Values sealed with it, as far as it was recorded. */
  readonly encryptions: number;
}

export type Keyring = readonly KeyringTerm[];

export const KEYRING_KEY = "core/keyring";
/** The root key seals under no term of the keyring. */
const ROOT_TERM = 0;

export function createKeyring(env: Environment): Keyring {
  return [{ term: 1, key: env.randomBytes(KEY_BYTES), installedAt: env.now(), encryptions: 0 }];
}

export function activeTerm(keyring: Keyring): KeyringTerm {
  const last = keyring[keyring.length - 1];
  if (!last) throw new Error("a keyring has at least one term");
  return last;
}

/** A keyring with one more term, which seals from then on. */
export function rotateKeyring(keyring: Keyring, env: Environment): Keyring {
  return [...keyring, { term: activeTerm(keyring).term + 1, key: env.randomBytes(KEY_BYTES), installedAt: env.now(), encryptions: 0 }];
}

/** Ready for `core/keyring`. */
export function sealKeyring(rootKey: Uint8Array, keyring: Keyring): Uint8Array {
  const terms = keyring.map(({ key, ...rest }) => ({ ...rest, key: Buffer.from(key).toString("base64") }));
  const plaintext = Buffer.from(JSON.stringify({ terms }));
  try {
    return sealValue(rootKey, ROOT_TERM, KEYRING_KEY, plaintext);
  } finally {
    plaintext.fill(0);
  }
}

/** Throws BarrierError for a wrong root key, or damage. */
export function openKeyring(rootKey: Uint8Array, sealed: Uint8Array): Keyring {
  if (sealedTerm(sealed) !== ROOT_TERM) throw new BarrierError();
  const plaintext = Buffer.from(openValue(rootKey, KEYRING_KEY, sealed));
  const { terms } = JSON.parse(plaintext.toString()) as { readonly terms: readonly (Omit<KeyringTerm, "key"> & { readonly key: string })[] };
  plaintext.fill(0);
  return terms.map((term) => ({ ...term, key: Buffer.from(term.key, "base64") }));
}
