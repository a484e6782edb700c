import type { StoreTransaction } from "../store/transaction.js";
import { RECOVERY_KEY_KEY, ROOT_KEY_WRAPS_KEY, encodeWraps, sealRecoveryKey } from "./auto-seal.js";
import type { RootKeyWrap } from "./auto-seal.js";
import { HANDOVER_KEY, sealHandover } from "./handover.js";
import { KEYRING_KEY, sealKeyring } from "./keyring.js";
import type { Keyring } from "./keyring.js";
import { RECOVERY_CONFIG_KEY, SEAL_CONFIG_KEY, encodeSealConfig } from "./seal-config.js";
import type { ShareNumbers } from "./seal-config.js";
import { ROOT_KEY_KEY, sealRootKey } from "./shamir-seal.js";

/** What stands between the stored root key and who would read it. */
export type RootKeyProtection =
  | { readonly kind: "shamir"; readonly unsealKey: Uint8Array; readonly numbers: ShareNumbers }
  | { readonly kind: "auto"; readonly type: string; readonly wraps: readonly RootKeyWrap[] };

type Writes = Pick<StoreTransaction, "putRaw" | "delete">;

/** As Vault stores it: an auto seal holds one share of one. */
const AUTO_NUMBERS: ShareNumbers = { secret_shares: 1, secret_threshold: 1 };

/** Writes the root key under its protection, and removes it from under the other kind. */
export function putRootKey(tx: Writes, rootKey: Uint8Array, protection: RootKeyProtection): void {
  if (protection.kind === "shamir") {
    const { secret_shares, secret_threshold } = protection.numbers;
    tx.putRaw(ROOT_KEY_KEY, sealRootKey(protection.unsealKey, rootKey));
    tx.putRaw(SEAL_CONFIG_KEY, encodeSealConfig({ type: "shamir", secret_shares, secret_threshold }));
    for (const key of [ROOT_KEY_WRAPS_KEY, RECOVERY_CONFIG_KEY, RECOVERY_KEY_KEY]) tx.delete(key);
    return;
  }
  tx.putRaw(ROOT_KEY_WRAPS_KEY, encodeWraps(protection.wraps));
  tx.putRaw(SEAL_CONFIG_KEY, encodeSealConfig({ type: protection.type, ...AUTO_NUMBERS }));
  tx.delete(ROOT_KEY_KEY);
}

/** Another root key: the keyring is sealed with it, and nodes that run are told. */
export function replaceRootKey(tx: Writes, keyring: Keyring, rootKey: Uint8Array, protection: RootKeyProtection): void {
  putRootKey(tx, rootKey, protection);
  tx.putRaw(KEYRING_KEY, sealKeyring(rootKey, keyring));
  tx.putRaw(HANDOVER_KEY, sealHandover(keyring, rootKey));
}

/** Whose shares are the operators' quorum from now on. Only under an auto seal. */
export function putRecoveryKey(tx: Writes, keyring: Keyring, recoveryKey: Uint8Array, type: string, { secret_shares, secret_threshold }: ShareNumbers): void {
  tx.putRaw(RECOVERY_KEY_KEY, sealRecoveryKey(keyring, recoveryKey));
  tx.putRaw(RECOVERY_CONFIG_KEY, encodeSealConfig({ type, secret_shares, secret_threshold }));
}
