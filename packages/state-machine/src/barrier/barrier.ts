import { createSecretKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { RequestError } from "../errors.js";
import { deriveKey } from "./derive.js";
import type { DerivedPurpose } from "./derive.js";
import { activeTerm } from "./keyring.js";
import type { Keyring } from "./keyring.js";
import { BarrierError, openValue, sealValue, sealedTerm } from "./sealed-value.js";

/** The keys of an unsealed node. */
export interface BarrierKeys {
  readonly rootKey: Uint8Array;
  readonly keyring: Keyring;
}

/** Everything stored passes through it. Sealed, it refuses: RequestError `sealed`. */
export interface Barrier {
  readonly sealed: () => boolean;
  /** Takes over the key buffers; they are overwritten at `seal`, or when others take their place (a rotation, a restore). */
  unlock(keys: BarrierKeys): void;
  /** Overwrites and drops every key. */
  seal(): void;
  encrypt(key: string, plaintext: Uint8Array): Uint8Array;
  /** Throws BarrierError unless `sealed` was made under one of the keys and for this storage key. */
  decrypt(key: string, sealed: Uint8Array): Uint8Array;
  /** The keyring as it would be stored, with the encryptions counted so far. */
  keyring(): Keyring;
  rootKey(): Uint8Array;
  /** Overwritten at `seal`, like the rest. */
  derive(purpose: DerivedPurpose): Uint8Array;
}

interface Unlocked extends BarrierKeys {
  /** By purpose, made when first asked for: some are asked for at every write. */
  readonly derived: Map<DerivedPurpose, Uint8Array>;
  /** Imported once: that costs more than sealing a small value. */
  readonly imported: ReadonlyMap<number, KeyObject>;
  readonly term: number;
  readonly key: KeyObject;
  encryptions: number;
}

function importKeys({ rootKey, keyring }: BarrierKeys): Unlocked {
  const imported = new Map(keyring.map(({ term, key }) => [term, createSecretKey(key)]));
  const { term, encryptions } = activeTerm(keyring);
  return { rootKey, keyring, derived: new Map(), imported, term, key: imported.get(term)!, encryptions };
}

/** Overwrites every key but those that stay in use. */
function overwrite({ rootKey, keyring, derived }: Unlocked, kept?: BarrierKeys): void {
  const inUse = new Set(kept && [kept.rootKey, ...kept.keyring.map(({ key }) => key)]);
  for (const key of [rootKey, ...keyring.map((row) => row.key), ...derived.values()]) if (!inUse.has(key)) key.fill(0);
}

export function createBarrier(): Barrier {
  let unlocked: Unlocked | undefined;
  const keys = (): Unlocked => {
    if (!unlocked) throw new RequestError("sealed", "Vault is sealed");
    return unlocked;
  };
  const countedKeyring = ({ keyring, term, encryptions }: Unlocked) => keyring.map((row) => (row.term === term ? { ...row, encryptions } : row));

  return {
    sealed: () => unlocked === undefined,
    unlock(next) {
      const before = unlocked;
      unlocked = importKeys(next);
      // The same keyring, loaded again because the feed named it: the count goes on.
      if (before?.term === unlocked.term) unlocked.encryptions = Math.max(unlocked.encryptions, before.encryptions);
      if (before) overwrite(before, next);
    },
    seal() {
      if (!unlocked) return;
      overwrite(unlocked);
      unlocked = undefined;
    },
    encrypt(key, plaintext) {
      const current = keys();
      current.encryptions++;
      return sealValue(current.key, current.term, key, plaintext);
    },
    decrypt(key, sealed) {
      const imported = keys().imported.get(sealedTerm(sealed));
      if (!imported) throw new BarrierError();
      return openValue(imported, key, sealed);
    },
    keyring: () => countedKeyring(keys()),
    rootKey: () => keys().rootKey,
    derive(purpose) {
      const { derived, rootKey } = keys();
      const known = derived.get(purpose) ?? deriveKey(rootKey, purpose);
      derived.set(purpose, known);
      return known;
    },
  };
}
