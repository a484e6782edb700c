import { invalid } from "../errors.js";
import type { ProposeOutcome } from "../store/replicated-log.js";
import type { StoreTransaction } from "../store/transaction.js";
import { quorumOf } from "./break-glass.js";
import type { BreakGlass } from "./break-glass.js";
import { readSealConfig } from "./initialize.js";
import { KEYRING_KEY } from "./keyring.js";
import type { RekeyTarget } from "./rekey-control.js";
import { putRecoveryKey, replaceRootKey } from "./root-key-protection.js";
import type { RootKeyProtection } from "./root-key-protection.js";
import { SEAL_CONFIG_KEY } from "./seal-config.js";
import type { ShareNumbers } from "./seal-config.js";
import { KEY_BYTES } from "./sealed-value.js";

export interface QuorumKey {
  readonly key: Uint8Array;
  readonly numbers: ShareNumbers;
}

/**
 * Puts other keys in force, in one write set with what `also` adds. A new unseal key brings a new root key with it, so that
 * who kept the old shares and an old copy of the root key has nothing. Without a quorum key only the root key is replaced,
 * which takes an auto seal to keep it.
 */
export async function replaceQuorumKey(parts: BreakGlass, target: RekeyTarget, quorumKey: QuorumKey | undefined, also?: (tx: StoreTransaction) => void): Promise<Pick<ProposeOutcome, "outcome">> {
  const { store, barrier, env, seals } = parts;
  if (target === "recovery") {
    if (!quorumKey) throw new Error("a recovery key is replaced by another one");
    const { outcome } = await store.transact((tx) => {
      const type = requireSealType(tx);
      putRecoveryKey(tx, barrier.keyring(), quorumKey.key, type, quorumKey.numbers);
      also?.(tx);
    });
    return outcome;
  }
  const rootKey = env.randomBytes(KEY_BYTES);
  try {
    let protection: RootKeyProtection;
    if (quorumKey) protection = { kind: "shamir", unsealKey: quorumKey.key, numbers: quorumKey.numbers };
    else {
      if (quorumOf(parts).kind !== "recovery" || seals.type === "shamir") throw invalid("the root key is sealed by key shares, of which the server keeps none: replace it with sys/rekey or sys/rotate/root/init");
      protection = { kind: "auto", type: seals.type, wraps: await seals.wrap(rootKey) };
    }
    const { outcome } = await store.transact((tx) => {
      // Read, so that a rotation or a migration of the seal at the same time is not undone.
      tx.getRaw(KEYRING_KEY);
      requireSealType(tx, protection.kind);
      replaceRootKey(tx, barrier.keyring(), rootKey, protection);
      also?.(tx);
    });
    return outcome;
  } finally {
    rootKey.fill(0);
  }
}

function requireSealType(tx: Pick<StoreTransaction, "getRaw">, kind?: RootKeyProtection["kind"]): string {
  const type = readSealConfig(tx)?.type;
  if (type === undefined) throw new Error(`${SEAL_CONFIG_KEY} is missing`);
  if (kind !== undefined && (kind === "shamir") !== (type === "shamir")) throw invalid("the seal was migrated meanwhile; begin again");
  return type;
}
