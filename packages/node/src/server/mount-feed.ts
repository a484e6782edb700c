import { mountOfRow } from "@coffer/state-machine";
import type { ReplicatedLog } from "@coffer/state-machine";

/** Uuids of mounts that came, changed or went with a batch of applied entries; `all`: the whole state was replaced. */
export type MountChange = readonly string[] | "all";

export interface MountFeed {
  onChange(listener: (change: MountChange) => void): void;
}

/** Every key that is written passes here, so it is looked at once, whoever listens. */
export function createMountFeed(log: Pick<ReplicatedLog, "onApplied">): MountFeed {
  const listeners: ((change: MountChange) => void)[] = [];
  log.onApplied(({ keys, reset }) => {
    const change = reset ? "all" : keys.flatMap((key) => mountOfRow(key) ?? []);
    if (change === "all" || change.length > 0) for (const listener of listeners) listener(change);
  });
  return { onChange: (listener) => void listeners.push(listener) };
}
