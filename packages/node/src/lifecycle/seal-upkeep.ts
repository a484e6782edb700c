import { isAutoSealed, putRecoveryKey, putRootKey, readRecoveryConfig, readSealConfig, readWraps, RequestError } from "@coffer/state-machine";
import type { Barrier, RootKeyProtection, RootKeyWrap, SealSet, Store } from "@coffer/state-machine";
import type { Logger } from "../logging/logger.js";

/**
 * Brings the stored root key under the seals that the configuration names: a migration between key shares and auto seals,
 * which takes the holders' shares once, and wrapping it again where seals were added, removed, or could not be reached before.
 */
export interface SealUpkeep {
  /** The key of the holders who agreed to the migration; the next active node's upkeep needs it. Takes a copy. */
  agree(quorumKey: Uint8Array): void;
  /** Overwrites that key: another node was faster, or this one is sealed. */
  drop(): void;
  /** On the active node, unsealed. Rejects where a seal cannot be used now; then it is to be called again. */
  maintain(): Promise<void>;
}

export interface SealUpkeepOptions {
  readonly store: Store;
  readonly barrier: Barrier;
  readonly seals: SealSet;
  readonly logger: Logger;
}

const holder = ({ name, type, keyId }: RootKeyWrap) => `${name} ${type} ${keyId}`;

export function createSealUpkeep({ store, barrier, seals, logger }: SealUpkeepOptions): SealUpkeep {
  let agreed: Uint8Array | undefined;

  function drop(): void {
    agreed?.fill(0);
    agreed = undefined;
  }

  async function write(work: Parameters<Store["transact"]>[0]): Promise<void> {
    const { outcome } = await store.transact(work);
    if (outcome.outcome !== "applied") throw new RequestError("no_active_node", "the change of the seal could not be stored");
  }

  const byAutoSeals = async (): Promise<RootKeyProtection> => ({ kind: "auto", type: seals.type, wraps: await seals.wrap(barrier.rootKey()) });

  async function toAutoSeals(unsealKey: Uint8Array): Promise<void> {
    const protection = await byAutoSeals();
    await write((tx) => {
      const config = readSealConfig(tx);
      if (!config || isAutoSealed(config)) return;
      putRootKey(tx, barrier.rootKey(), protection);
      // Who held shares to unseal with now holds shares to recover with.
      putRecoveryKey(tx, barrier.keyring(), unsealKey, seals.type, config);
    });
    logger.info("the seal was migrated from key shares; they are the recovery key's shares now", { to: seals.type });
  }

  async function toKeyShares(recoveryKey: Uint8Array): Promise<void> {
    await write((tx) => {
      const numbers = readRecoveryConfig(tx);
      if (numbers) putRootKey(tx, barrier.rootKey(), { kind: "shamir", unsealKey: recoveryKey, numbers });
    });
    logger.info("the seal was migrated to key shares; the recovery key's shares unseal now");
  }

  async function wrapAgain(before: readonly RootKeyWrap[]): Promise<void> {
    const wraps = await seals.wrap(barrier.rootKey());
    // A seal that still cannot be reached: nothing is gained by writing the others' wraps again.
    if (wraps.map(holder).join("\n") === before.map(holder).join("\n")) return;
    await write((tx) => {
      const config = readSealConfig(tx);
      if (config && isAutoSealed(config)) putRootKey(tx, barrier.rootKey(), { kind: "auto", type: seals.type, wraps });
    });
    logger.info("the root key was wrapped again by the configured seals", { seals: wraps.map(({ name }) => name) });
  }

  return {
    agree(quorumKey) {
      drop();
      agreed = new Uint8Array(quorumKey);
    },
    drop,
    async maintain() {
      const { value } = store.evaluate((tx) => ({ config: readSealConfig(tx), wraps: readWraps(tx) }));
      if (!value.config) return;
      const [from, to] = [isAutoSealed(value.config), seals.type !== "shamir"];
      if (from === to) {
        drop();
        if (from && !seals.isCurrent(value.wraps)) await wrapAgain(value.wraps);
        return;
      }
      if (!agreed) return;
      await (to ? toAutoSeals(agreed) : toKeyShares(agreed));
      drop();
    },
  };
}
