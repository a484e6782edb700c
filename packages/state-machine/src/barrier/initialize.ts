import { RequestError } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import type { StoreTransaction } from "../store/transaction.js";
import type { BarrierKeys } from "./barrier.js";
import { ROOT_KEY_WRAPS_KEY, SHAMIR_ONLY, decodeWraps } from "./auto-seal.js";
import type { RootKeyWrap, SealSet } from "./auto-seal.js";
import { KEYRING_KEY, createKeyring, openKeyring, sealKeyring } from "./keyring.js";
import { putRecoveryKey, putRootKey } from "./root-key-protection.js";
import { BarrierError, KEY_BYTES } from "./sealed-value.js";
import { RECOVERY_CONFIG_KEY, SEAL_CONFIG_KEY, checkRecoveryConfig, checkSealConfig, decodeSealConfig, encodeSealConfig } from "./seal-config.js";
import type { SealConfig } from "./seal-config.js";
import { ROOT_KEY_KEY, createUnsealSession, openRootKey, splitKey } from "./shamir-seal.js";
import type { UnsealSession } from "./shamir-seal.js";

export const CLUSTER_KEY = "core/cluster";

export interface ClusterInfo {
  readonly id: string;
  readonly name: string;
}

export interface InitializeOptions {
  /** Of the unseal key; with an auto seal, of the recovery key, where 0 means that there is none. */
  readonly shares: number;
  readonly threshold: number;
  readonly env: Environment;
  /** Key shares alone when absent. */
  readonly seals?: SealSet;
  /** Made up when absent. */
  readonly clusterName?: string;
}

export interface Initialized {
  /** Of the unseal key, or of the recovery key. */
  readonly shares: readonly Uint8Array[];
  /** To unlock the barrier with, before the same transaction writes anything sealed. */
  readonly keys: BarrierKeys;
  readonly cluster: ClusterInfo;
}

const NAME_BYTES = 4;

/** The reads of the few keys that stand outside the barrier. */
export type RawReads = Pick<StoreTransaction, "getRaw">;

export function readSealConfig(tx: RawReads): SealConfig | undefined {
  const bytes = tx.getRaw(SEAL_CONFIG_KEY);
  return bytes && decodeSealConfig(bytes);
}

/** Undefined but under an auto seal. */
export function readRecoveryConfig(tx: RawReads): SealConfig | undefined {
  const bytes = tx.getRaw(RECOVERY_CONFIG_KEY);
  return bytes && decodeSealConfig(bytes, checkRecoveryConfig);
}

/** Empty but under an auto seal. */
export function readWraps(tx: RawReads): readonly RootKeyWrap[] {
  const bytes = tx.getRaw(ROOT_KEY_WRAPS_KEY);
  return bytes ? decodeWraps(bytes) : [];
}

export function readClusterInfo(tx: RawReads): ClusterInfo | undefined {
  const bytes = tx.getRaw(CLUSTER_KEY);
  return bytes && (JSON.parse(Buffer.from(bytes).toString()) as ClusterInfo);
}

/** The keyring as stored; throws BarrierError for a wrong root key. Undefined before initialisation. */
export function readKeyring(tx: RawReads, rootKey: Uint8Array): BarrierKeys | undefined {
  const sealed = tx.getRaw(KEYRING_KEY);
  return sealed && { rootKey, keyring: openKeyring(rootKey, sealed) };
}

/** Makes the keys of a new cluster and writes them into `tx`. Throws RequestError 400 for wrong numbers, or when it was done before. */
export async function initialize(tx: StoreTransaction, { shares, threshold, env, clusterName, seals = SHAMIR_ONLY }: InitializeOptions): Promise<Initialized> {
  if (tx.getRaw(SEAL_CONFIG_KEY)) throw new RequestError("invalid_request", "Vault is already initialized");
  const isShamir = seals.type === "shamir";
  (isShamir ? checkSealConfig : checkRecoveryConfig)(shares, threshold);
  const rootKey = env.randomBytes(KEY_BYTES);
  // Of the unseal key where there is no auto seal, else of the recovery key.
  const sharedKey = env.randomBytes(KEY_BYTES);
  const numbers = { secret_shares: shares, secret_threshold: threshold };
  const keyring = createKeyring(env);
  const cluster: ClusterInfo = { id: env.uuid(), name: clusterName ?? `vault-cluster-${Buffer.from(env.randomBytes(NAME_BYTES)).toString("hex")}` };
  const parts = shares === 0 ? [] : await splitKey(sharedKey, shares, threshold);
  if (isShamir) putRootKey(tx, rootKey, { kind: "shamir", unsealKey: sharedKey, numbers });
  else {
    putRootKey(tx, rootKey, { kind: "auto", type: seals.type, wraps: await seals.wrap(rootKey) });
    if (shares > 0) putRecoveryKey(tx, keyring, sharedKey, seals.type, numbers);
    else tx.putRaw(RECOVERY_CONFIG_KEY, encodeSealConfig({ type: seals.type, ...numbers }));
  }
  tx.putRaw(KEYRING_KEY, sealKeyring(rootKey, keyring));
  tx.putRaw(CLUSTER_KEY, Buffer.from(JSON.stringify(cluster)));
  sharedKey.fill(0);
  return { shares: parts, keys: { rootKey, keyring }, cluster };
}

/** Throws RequestError 400 where the shares' key opens nothing of it. */
export function keysByUnsealKey(tx: RawReads, unsealKey: Uint8Array): BarrierKeys {
  const sealedRoot = tx.getRaw(ROOT_KEY_KEY);
  const keys = sealedRoot && readKeyring(tx, openRootKey(unsealKey, sealedRoot));
  if (!keys) throw new RequestError("invalid_request", "Vault is not initialized");
  return keys;
}

/** A session that ends with the barrier's keys. `tx` is read when the shares suffice. */
export function unsealSession(config: SealConfig, newNonce: () => string, read: () => RawReads): UnsealSession<BarrierKeys> {
  return createUnsealSession(config.secret_threshold, newNonce, (unsealKey) => keysByUnsealKey(read(), unsealKey));
}

/** By the seals that the configuration names. Rejects with RequestError. */
export async function keysBySeals(tx: RawReads, seals: SealSet): Promise<BarrierKeys> {
  const rootKey = await seals.unwrap(readWraps(tx));
  try {
    const keys = readKeyring(tx, rootKey);
    if (!keys) throw new RequestError("invalid_request", "Vault is not initialized");
    return keys;
  } catch (error) {
    rootKey.fill(0);
    throw error instanceof BarrierError ? new RequestError("internal", "the root key that the seal gave does not open the keyring") : error;
  }
}
