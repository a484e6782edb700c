import { RequestError } from "@coffer/state-machine";
import type { AppliedBatch, Leadership, ReplicatedLog, StateReader } from "@coffer/state-machine";
import type { RaftThread } from "./raft-thread.js";

/**
 * The node's replica as the rest of it sees it, from before the node is part of a cluster (nothing stored, no leader) to
 * after: one log and one reader for the whole life of the process, so that nothing else has to know when it joined.
 */
export interface Replica {
  readonly log: ReplicatedLog;
  readonly reader: StateReader;
  attach(thread: RaftThread, reader: StateReader): void;
  detach(): void;
  /** Until the next `attach` nothing can be read: whoever tries is told `message`, as a RequestError `no_active_node`. Listeners are not: what they hold stays true. */
  pause(message: string): void;
}

const EMPTY: StateReader = {
  appliedIndex: () => 0,
  get: () => undefined,
  peek: () => undefined,
  snapshot: () => ({ index: 0, get: () => undefined, keys: async () => [], close: () => undefined }),
};
function unavailable(message: string): StateReader {
  const refuse = () => {
    throw new RequestError("no_active_node", message);
  };
  return { appliedIndex: () => 0, get: refuse, peek: refuse, snapshot: refuse };
}

const NOBODY: Leadership = { isLeader: false, leaderId: undefined, term: 0 };

export function createReplica(): Replica {
  const appliedListeners = new Set<(batch: AppliedBatch) => void>();
  const leadershipListeners: ((leadership: Leadership) => void)[] = [];
  let thread: RaftThread | undefined;
  let reader = EMPTY;

  /** Everything is other than it was: what was heard of one thread says nothing of the next. */
  const announce = () => {
    for (const listener of appliedListeners) listener({ index: reader.appliedIndex(), keys: [], reset: true });
    const leadership = thread?.leadership() ?? NOBODY;
    for (const listener of leadershipListeners) listener(leadership);
  };
  return {
    log: {
      propose: (entry, term) => thread?.propose(entry, term) ?? Promise.resolve({ outcome: "not-leader" }),
      readBarrier: () => thread?.readBarrier() ?? Promise.resolve({ outcome: "no-leader" }),
      waitApplied: (index, timeoutMs) => thread?.waitApplied(index, timeoutMs) ?? Promise.resolve(false),
      appliedIndex: () => thread?.appliedIndex() ?? 0,
      leadership: () => thread?.leadership() ?? NOBODY,
      onApplied(listener) {
        appliedListeners.add(listener);
        return () => void appliedListeners.delete(listener);
      },
      onLeadership: (listener) => void leadershipListeners.push(listener),
    },
    reader: {
      appliedIndex: () => reader.appliedIndex(),
      get: (key) => reader.get(key),
      peek: (key) => reader.peek(key),
      snapshot: () => reader.snapshot(),
    },
    attach(attached, itsReader) {
      thread = attached;
      reader = itsReader;
      attached.onApplied((batch) => {
        for (const listener of appliedListeners) listener(batch);
      });
      attached.onLeadership((leadership) => {
        for (const listener of leadershipListeners) listener(leadership);
      });
      announce();
    },
    pause(message) {
      thread = undefined;
      reader = unavailable(message);
      for (const listener of leadershipListeners) listener(NOBODY);
    },
    detach() {
      thread = undefined;
      reader = EMPTY;
      announce();
    },
  };
}
