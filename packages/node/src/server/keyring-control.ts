import { activeTerm, KEYRING_KEY, readRotationConfig, replaceQuorumKey, rotateKeyring, RequestError, sealKeyring } from "@coffer/state-machine";
import type { BreakGlass, Keyring, KeyringControl } from "@coffer/state-machine";

export interface KeyringDuty extends KeyringControl {
  /** On the active node, now and then: records how often the key encrypted, and rotates it where that is due. */
  maintain(): Promise<void>;
}

const MS = 1000;

/** The keys behind sys/key-status and sys/rotate. Every node takes a new term up from the applied feed. */
export function createKeyringControl(parts: BreakGlass): KeyringDuty {
  const { barrier, store, env, note } = parts;
  /** What the store knows of the term in use; the next active node goes on from there. */
  let recorded: { readonly term: number; readonly encryptions: number } | undefined;

  async function write(change: (keyring: Keyring) => Keyring): Promise<void> {
    const { outcome } = await store.transact((tx) => {
      // Read, so that two rotations at once do not both make the same term.
      tx.getRaw(KEYRING_KEY);
      tx.putRaw(KEYRING_KEY, sealKeyring(barrier.rootKey(), change(barrier.keyring())));
    });
    if (outcome.outcome !== "applied") throw new RequestError("no_active_node", "the keyring could not be stored; it stays as it was");
  }

  const rotate = () => write((keyring) => rotateKeyring(keyring, env));

  return {
    status() {
      const { term, installedAt, encryptions } = activeTerm(barrier.keyring());
      return { term, installTime: new Date(installedAt).toISOString(), encryptions };
    },
    rotate,
    async rotateRootKey() {
      const { outcome } = await replaceQuorumKey(parts, "barrier", undefined);
      if (outcome !== "applied") throw new RequestError("no_active_node", "the new root key may not have been stored; ask again");
      note("the root key was replaced");
    },
    async maintain() {
      const { enabled, maxOperations, intervalSeconds } = store.evaluate((tx) => readRotationConfig(tx.scoped("core/"))).value;
      const { term, installedAt, encryptions } = activeTerm(barrier.keyring());
      const isOld = intervalSeconds > 0 && env.now() - installedAt >= intervalSeconds * MS;
      if (enabled && (encryptions >= maxOperations || isOld)) {
        await rotate();
        return note("the encryption key was rotated by itself", { reason: isOld ? "interval" : "max_operations", term: term + 1 });
      }
      if (recorded?.term === term && recorded.encryptions === encryptions) return;
      // The first look after a start only takes note of where things stand.
      const isKnown = recorded !== undefined;
      recorded = { term, encryptions };
      if (isKnown) await write((keyring) => keyring);
    },
  };
}
