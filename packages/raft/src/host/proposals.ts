import type { LogIndex, Term } from "../core/types.js";
import type { ApplyResult, ProposeResult } from "./api.js";

interface Waiting {
  readonly term: Term;
  readonly bytes: number;
  readonly begun: number;
  readonly resolve: (result: ProposeResult) => void;
}

/** Proposals of this node that are in the log and not yet applied, by index. */
export interface Proposals {
  readonly bytes: () => number;
  readonly count: () => number;
  add(index: LogIndex, term: Term, bytes: number, resolve: (result: ProposeResult) => void): void;
  /** The entry at `index` was applied; it is ours only if its term is the one we proposed in. */
  settle(index: LogIndex, term: Term, result: ApplyResult): void;
  /** Their fate will not be known here. */
  abandon(): void;
}

export function createProposals(now: () => number, onLatency: (milliseconds: number) => void): Proposals {
  const waiting = new Map<LogIndex, Waiting>();
  let bytes = 0;
  return {
    bytes: () => bytes,
    count: () => waiting.size,
    add(index, term, size, resolve) {
      // Left from an earlier term of leadership: the log was cut there, so that entry is certainly gone.
      waiting.get(index)?.resolve({ outcome: "not-leader" });
      waiting.set(index, { term, bytes: size, begun: now(), resolve });
      bytes += size;
    },
    settle(index, term, result) {
      const found = waiting.get(index);
      if (!found) return;
      waiting.delete(index);
      bytes -= found.bytes;
      onLatency(now() - found.begun);
      found.resolve(found.term === term ? { outcome: result, index } : { outcome: "not-leader" });
    },
    abandon() {
      for (const { resolve } of waiting.values()) resolve({ outcome: "unknown" });
      waiting.clear();
      bytes = 0;
    },
  };
}
