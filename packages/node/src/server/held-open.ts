import type { ReplicatedLog } from "@coffer/state-machine";
import type { MountFeed } from "./mount-feed.js";

/** A request that was under way when this node ceased to be active may have opened something once more. */
const AGAIN_MS = 10_000;

/**
 * What engines keep open outside of storage (connections of databases) is let go when the mount is changed or gone, and while this
 * node is not active. Sealing and ending ask `release` themselves.
 */
export function releaseWithMounts(mounts: MountFeed, log: Pick<ReplicatedLog, "onLeadership">, isActive: () => boolean, release: (mountUuid?: string) => Promise<void>): { stop(): void } {
  mounts.onChange((change) => {
    if (change === "all") void release();
    else for (const uuid of change) void release(uuid);
  });
  log.onLeadership(({ isLeader }) => {
    if (!isLeader) void release();
  });
  const timer = setInterval(() => {
    if (!isActive()) void release();
  }, AGAIN_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
