import type { StateChange } from "./state-machine.js";

/** What the main thread is told of the state, in the order in which it became so. */
export interface AppliedFeed {
  changed(change: StateChange): void;
  /** Whatever else is told has to come behind what is held. */
  flush(): void;
  /** Somebody waits for this entry: neither it nor what comes before it is held. */
  awaited(index: number): void;
}

/** So long may a change be held. Milliseconds. */
const HOLD_MS = 20;

/**
 * On a standby a busy cluster changes the state some hundred times a second, and each telling wakes the main thread, which costs
 * both threads more than what is said. Nobody there needs it at once: a read point brings all that was held along. So changes are
 * held, and told together.
 */
export function createAppliedFeed(tell: (change: StateChange) => void, isLeader: () => boolean, holdMs = HOLD_MS): AppliedFeed {
  let held: { index: number; readonly keys: string[] } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let toldIndex = 0;
  let awaitedIndex = 0;

  function tellNow(change: StateChange): void {
    toldIndex = change.index;
    tell(change);
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (!held) return;
    const change = held;
    held = undefined;
    tellNow(change);
  }

  return {
    changed(change) {
      if (change.location !== undefined || isLeader() || toldIndex < awaitedIndex) {
        flush();
        tellNow(change);
        return;
      }
      held ??= { index: 0, keys: [] };
      held.index = change.index;
      // One by one: as arguments of one call a great many are too many.
      for (const key of change.keys) held.keys.push(key);
      timer ??= setTimeout(flush, holdMs);
    },
    flush,
    awaited(index) {
      awaitedIndex = Math.max(awaitedIndex, index);
      flush();
    },
  };
}
