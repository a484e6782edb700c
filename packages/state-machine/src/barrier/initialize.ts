import { RequestError } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import type { StoreTransaction } from "../store/transaction.js";
import type { BarrierKeys } from "./barrier.js";
import { KEYRING_KEY, createKeyring, openKeyring, sealKeyring } from "./keyring.js";
import { KEY_BYTES } from "./sealed-value.js";
import { ROOT_KEY_KEY, SEAL_CONFIG_KEY, checkSealConfig, createUnsealSession, decodeSealConfig, encodeSealConfig, openRootKey, sealRootKey, splitKey } from "./shamir-seal.js";
import type { SealConfig, UnsealSession } from "./shamir-seal.js";

export const CLUSTER_KEY = "core/cluster";

export interface ClusterInfo {
  readonly id: string;
  readonly name: string;
}

export interface InitializeOptions {
  readonly shares: number;
  readonly threshold: number;
  readonly env: Environment;
  /** Made up when absent. */
  readonly clusterName?: string;
}

export interface Initialized {
  readonly shares: readonly Uint8Array[];
  /** To unlock the barrier with, before the same transaction writes anything sealed. */
  readonly keys: BarrierKeys;
  readonly cluster: ClusterInfo;
}

const NAME_BYTES = 4;

/** The reads of the few keys that stand outside the barrier. */
type RawReads = Pick<StoreTransaction, "getRaw">;

export function readSealConfig(tx: RawReads): SealConfig | undefined {
  const bytes = tx.getRaw(SEAL_CONFIG_KEY);
  return bytes && decodeSealConfig(bytes);
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
export async function initialize(tx: StoreTransaction, { shares, threshold, env, clusterName }: InitializeOptions): Promise<Initialized> {
  if (tx.getRaw(SEAL_CONFIG_KEY)) throw new RequestError("invalid_request", "Vault is already initialized");
  checkSealConfig(shares, threshold);
  const rootKey = env.randomBytes(KEY_BYTES);
  const unsealKey = env.randomBytes(KEY_BYTES);
  const keyring = createKeyring(env);
  const cluster: ClusterInfo = { id: env.uuid(), name: clusterName ?? `vault-cluster-${Buffer.from(env.randomBytes(NAME_BYTES)).toString("hex")}` };
  const parts = await splitKey(unsealKey, shares, threshold);
  tx.putRaw(ROOT_KEY_KEY, sealRootKey(unsealKey, rootKey));
  tx.putRaw(KEYRING_KEY, sealKeyring(rootKey, keyring));
  tx.putRaw(SEAL_CONFIG_KEY, encodeSealConfig({ type: "shamir", secret_shares: shares, secret_threshold: threshold }));
  tx.putRaw(CLUSTER_KEY, Buffer.from(JSON.stringify(cluster)));
  unsealKey.fill(0);
  return { shares: parts, keys: { rootKey, keyring }, cluster };
}

/** A session that ends with the barrier's keys. `tx` is read when the shares suffice. */
export function unsealSession(config: SealConfig, newNonce: () => string, read: () => RawReads): UnsealSession<BarrierKeys> {
  return createUnsealSession(config.secret_threshold, newNonce, (unsealKey) => {
    const tx = read();
    const sealedRoot = tx.getRaw(ROOT_KEY_KEY);
    const keys = sealedRoot && readKeyring(tx, openRootKey(unsealKey, sealedRoot));
    if (!keys) throw new RequestError("invalid_request", "Vault is not initialized");
    return keys;
  });
}
