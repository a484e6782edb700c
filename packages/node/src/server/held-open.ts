import { mountOfRow } from "@coffer/state-machine";
import type { ReplicatedLog } from "@coffer/state-machine";

/**
 * What engines keep open outside of storage (connections of databases) is let go when the mount is changed or gone, and when this
 * node is no longer active. Sealing and ending ask `release` themselves.
 */
export function releaseWithMounts(log: Pick<ReplicatedLog, "onApplied" | "onLeadership">, release: (mountUuid?: string) => Promise<void>): void {
  log.onApplied(({ keys, reset }) => {
    if (reset) void release();
    for (const key of keys) {
      const uuid = mountOfRow(key);
      if (uuid !== undefined) void release(uuid);
    }
  });
  log.onLeadership(({ isLeader }) => {
    if (!isLeader) void release();
  });
}
