import { hkdfSync } from "node:crypto";

/** What keys are derived for. Each purpose has its own key; the names are fixed for ever. */
export type DerivedPurpose = "join-challenge" | "cluster-keys" | "snapshot-seal" | "forwarding";

const DERIVED_BYTES = 32;

/** A key of its own for one purpose: HKDF-SHA-256 (RFC 5869) of the root key, without a salt. */
export function deriveKey(rootKey: Uint8Array, purpose: DerivedPurpose): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", rootKey, new Uint8Array(0), `coffer/v1/${purpose}`, DERIVED_BYTES));
}
