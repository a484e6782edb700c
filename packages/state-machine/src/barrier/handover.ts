import type { BarrierKeys } from "./barrier.js";
import { readKeyring } from "./initialize.js";
import type { RawReads } from "./initialize.js";
import { BarrierError, openValue, sealValue, sealedTerm } from "./sealed-value.js";
import type { Keyring } from "./keyring.js";

/**
 * How nodes that run learn a new root key: it is stored under a key that each of them holds, which an old root key alone is
 * not enough to open. The first term of the keyring is the one that never changes, so that a standby which missed a rotation
 * as well still follows. (Vault keeps `core/master` for this.)
 */
export const HANDOVER_KEY = "core/root-key-handover";

/** Ready for `core/root-key-handover`. */
export function sealHandover(keyring: Keyring, rootKey: Uint8Array): Uint8Array {
  const [first] = keyring;
  if (!first) throw new Error("a keyring has at least one term");
  return sealValue(first.key, first.term, HANDOVER_KEY, rootKey);
}

/** Throws BarrierError for a keyring of another cluster. */
export function openHandover(keyring: Keyring, sealed: Uint8Array): Uint8Array {
  const row = keyring.find(({ term }) => term === sealedTerm(sealed));
  if (!row) throw new BarrierError();
  return openValue(row.key, HANDOVER_KEY, sealed);
}

/**
 * The keys of a state that changed under a node that holds `known`: the keyring under the same root key, or under one that was
 * handed over. Throws BarrierError for the state of another cluster. Undefined for a state without a keyring.
 */
export function followKeys(raw: RawReads, known: BarrierKeys): BarrierKeys | undefined {
  try {
    return readKeyring(raw, known.rootKey);
  } catch (error) {
    const sealed = raw.getRaw(HANDOVER_KEY);
    if (!(error instanceof BarrierError) || !sealed) throw error;
    return readKeyring(raw, new Uint8Array(openHandover(known.keyring, sealed)));
  }
}
