import { activeTerm, KEYRING_KEY, rotateKeyring, RequestError, sealKeyring } from "@coffer/state-machine";
import type { Barrier, Environment, KeyringControl, Store } from "@coffer/state-machine";

/** The keys behind sys/key-status and sys/rotate. Every node takes a new term up from the applied feed. */
export function createKeyringControl(barrier: Barrier, store: Store, env: Environment): KeyringControl {
  return {
    status() {
      const { term, installedAt, encryptions } = activeTerm(barrier.keyring());
      return { term, installTime: new Date(installedAt).toISOString(), encryptions };
    },
    async rotate() {
      const { outcome } = await store.transact((tx) => {
        // Read, so that two rotations at once do not both make the same term.
        tx.getRaw(KEYRING_KEY);
        tx.putRaw(KEYRING_KEY, sealKeyring(barrier.rootKey(), rotateKeyring(barrier.keyring(), env)));
      });
      if (outcome.outcome !== "applied") throw new RequestError("no_active_node", "the new key could not be stored; the old one stays in use");
    },
  };
}
