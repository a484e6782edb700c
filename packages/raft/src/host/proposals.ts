import type { LogIndex, Term } from "../core/types.js";
import type { ApplyResult, ProposeResult } from "./api.js";

/** A proposal whose leader fell is waited for this long: the next leader usually settles it, one way or the other. */
const ORPHAN_MS = 2000;

interface Waiting {
  readonly term: Term;
  readonly bytes: number;
  readonly begun: number;
  /** Set when leadership was lost: nothing here makes sure any more that its fate becomes known. */
  deadline: number | undefined;
  readonly resolve: (result: ProposeResult) => void;
}

/**
 * Proposals of this node that are in the log and not yet applied, by index. `not-leader` is said only of an entry that
 * certainly will never be applied; what is not known is called `unknown`.
 */
export interface Proposals {
  readonly bytes: () => number;
  readonly count: () => number;
  add(index: LogIndex, term: Term, bytes: number, resolve: (result: ProposeResult) => void): void;
  /** The entry at `index` was applied; it is ours only if its term is the one we proposed in. */
  settle(index: LogIndex, term: Term, result: ApplyResult): void;
  /** Leadership was lost. */
  orphan(): void;
  /** Gives up on orphans that waited too long; called with the ticks. */
  expire(): void;
  /** This member stops. */
  abandon(): void;
}

export function createProposals(now: () => number, onLatency: (milliseconds: number) => void): Proposals {
  const waiting = new Map<LogIndex, Waiting>();
  let bytes = 0;

  function finish(index: LogIndex, found: Waiting, result: ProposeResult): void {
    if (waiting.get(index) === found) waiting.delete(index);
    bytes -= found.bytes;
    found.resolve(result);
  }

  return {
    bytes: () => bytes,
    count: () => waiting.size,
    add(index, term, size, resolve) {
      // Cut from this log when leadership was lost; another server may still hold that entry, lead, and commit it.
      const before = waiting.get(index);
      if (before) finish(index, before, { outcome: "unknown" });
      waiting.set(index, { term, bytes: size, begun: now(), deadline: undefined, resolve });
      bytes += size;
    },
    settle(index, term, result) {
      const found = waiting.get(index);
      if (!found) return;
      if (found.term === term) onLatency(now() - found.begun);
      // Another entry is committed in its place: ours never will be.
      finish(index, found, found.term === term ? { outcome: result, index } : { outcome: "not-leader" });
    },
    orphan() {
      const deadline = now() + ORPHAN_MS;
      for (const found of waiting.values()) found.deadline ??= deadline;
    },
    expire() {
      const time = now();
      for (const [index, found] of waiting) {
        // In order of proposing: those of the present leadership come last.
        if (found.deadline === undefined) return;
        if (found.deadline <= time) finish(index, found, { outcome: "unknown" });
      }
    },
    abandon() {
      for (const [index, found] of [...waiting]) finish(index, found, { outcome: "unknown" });
    },
  };
}
