import { invalid } from "@coffer/state-machine";
import type { Environment, InputOf, WriteStorage } from "@coffer/state-machine";
import { findKey, keyMaterialOf } from "./authority.js";
import type { EXPORTED, NEW_KEY } from "./ca-fields.js";
import { addKey, checkKeyName } from "./issuer-store.js";
import { checkKeySize, generateKey } from "./key-material.js";
import type { KeyMaterial, KeyType } from "./key-material.js";
import type { StoredKey } from "./storage.js";

type KeyWishes = InputOf<typeof EXPORTED> & InputOf<typeof NEW_KEY>;

export interface CaKey {
  readonly key: StoredKey;
  readonly material: KeyMaterial;
  /** To be returned; undefined where it stays here. */
  readonly exported: KeyMaterial | undefined;
}

export const NO_MANAGED_KEYS = "keys in a KMS or HSM (managed keys) are not supported; use internal, exported or existing";

/** A new key, kept, or one that is here. Throws RequestError 400. */
export async function caKey(storage: WriteStorage, env: Environment, wishes: KeyWishes): Promise<CaKey> {
  switch (wishes.exported) {
    case "kms":
      throw invalid(NO_MANAGED_KEYS);
    case "existing": {
      const key = findKey(storage, wishes.key_ref);
      if (!key) throw invalid(`unable to find PKI key for reference: ${wishes.key_ref}`);
      return { key, material: keyMaterialOf(key), exported: undefined };
    }
    default: {
      const bits = checkKeySize(wishes.key_type, wishes.key_bits);
      const name = checkKeyName(storage, wishes.key_name);
      const material = await generateKey(wishes.key_type as KeyType, bits);
      const { entry } = await addKey(storage, env, material, name);
      return { key: entry, material, exported: wishes.exported === "exported" ? material : undefined };
    }
  }
}
