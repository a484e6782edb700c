import { RequestError } from "../errors.js";
import type { BarrierKeys } from "./barrier.js";
import { RECOVERY_KEY_KEY, isRecoveryKey } from "./auto-seal.js";
import { readRecoveryConfig, readSealConfig } from "./initialize.js";
import type { RawReads } from "./initialize.js";
import { BarrierError } from "./sealed-value.js";
import { isAutoSealed } from "./seal-config.js";
import type { ShareNumbers } from "./seal-config.js";
import { ROOT_KEY_KEY, openRootKey, sameBytes } from "./shamir-seal.js";

/** Whose shares decide about the cluster: those of the unseal key, or under an auto seal those of the recovery key. */
export interface Quorum extends ShareNumbers {
  readonly kind: "unseal" | "recovery";
}

/** Throws RequestError 400 before initialisation. */
export function readQuorum(raw: RawReads): Quorum {
  const config = readSealConfig(raw);
  if (!config) throw new RequestError("invalid_request", "Vault is not initialized");
  if (!isAutoSealed(config)) return { ...config, kind: "unseal" };
  const recovery = readRecoveryConfig(raw);
  if (!recovery) throw new RequestError("internal", "the state holds no recovery configuration");
  return { ...recovery, kind: "recovery" };
}

/** Throws RequestError 400 where nobody holds a share that could count. */
export function requireHolders({ secret_threshold: threshold }: Quorum): void {
  if (threshold === 0) throw new RequestError("invalid_request", "there are no recovery keys, so no quorum can agree: make them with sys/rotate/recovery/init, which takes a token");
}

/** Whether a combined key is that of the quorum. */
export function isQuorumKey(raw: RawReads, { rootKey, keyring }: BarrierKeys, { kind }: Quorum, key: Uint8Array): boolean {
  if (kind === "recovery") {
    const sealed = raw.getRaw(RECOVERY_KEY_KEY);
    return sealed !== undefined && isRecoveryKey(keyring, sealed, key);
  }
  const sealed = raw.getRaw(ROOT_KEY_KEY);
  if (!sealed) return false;
  try {
    const opened = openRootKey(key, sealed);
    const same = sameBytes(opened, rootKey);
    opened.fill(0);
    return same;
  } catch (error) {
    if (error instanceof BarrierError || error instanceof RangeError || error instanceof TypeError) return false;
    throw error;
  }
}
