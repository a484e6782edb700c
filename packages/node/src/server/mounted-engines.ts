import { listMounts, mountOfRow, mountRow } from "@coffer/state-machine";
import type { MountEntry, ReplicatedLog, Store } from "@coffer/state-machine";

export interface MountedEnginesOptions {
  readonly log: Pick<ReplicatedLog, "onApplied">;
  readonly store: Pick<Store, "evaluate">;
  readonly isSealed: () => boolean;
  /** Loads it, where it was not needed before. */
  readonly load: (entry: MountEntry) => unknown;
  readonly onError: (error: unknown) => void;
}

/**
 * Engines are loaded when they are first needed, which takes up to a fifth of a second: for what is mounted that is done here, when
 * this node is unsealed and when a mount comes, so that no request waits for it (a standby's first one after it took over, say).
 */
export function loadMountedEngines({ log, store, isSealed, load, onError }: MountedEnginesOptions): { all(): void } {
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
  log.onApplied(({ keys, reset }) => {
    const uuids = keys.flatMap((key) => mountOfRow(key) ?? []);
    // Whoever else hears of this batch forgets first what it knew of these keys.
    if (reset) setImmediate(all);
    else if (uuids.length > 0) setImmediate(() => attempt((core) => uuids.map((uuid) => mountRow(core, uuid))));
  });
  return { all };
}
