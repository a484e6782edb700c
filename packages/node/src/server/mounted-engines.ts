import { listMounts, mountRow } from "@coffer/state-machine";
import type { MountEntry, Store } from "@coffer/state-machine";
import type { MountFeed } from "./mount-feed.js";

export interface MountedEnginesOptions {
  readonly mounts: MountFeed;
  readonly store: Pick<Store, "evaluate">;
  readonly isSealed: () => boolean;
  /** Loads it, where it was not needed before. */
  readonly load: (entry: MountEntry) => unknown;
  readonly onError: (error: unknown) => void;
}

/**
 * Engines are loaded when they are first needed, which takes up to a fifth of a second: for what is mounted that is done here, when
 * this node is unsealed and when a mount comes, and not by the first request (a standby's after it took over, say). Nothing else goes on meanwhile.
 */
export function loadMountedEngines({ mounts, store, isSealed, load, onError }: MountedEnginesOptions): { all(): void } {
  /** What cannot be read or loaded fails the request that needs it, and says why there. */
  function attempt(entries: (core: Parameters<typeof listMounts>[0]) => readonly (MountEntry | undefined)[]): void {
    if (isSealed()) return;
    try {
      for (const entry of store.evaluate((tx) => entries(tx.scoped("core/"))).value) if (entry) load(entry);
    } catch (error) {
      onError(error);
    }
  }

  const all = () => attempt((core) => listMounts(core));
  // Whoever else hears of this batch forgets first what it knew of these keys.
  mounts.onChange((change) => void setImmediate(() => (change === "all" ? all() : attempt((core) => change.map((uuid) => mountRow(core, uuid))))));
  return { all };
}
