import { encodeEntry } from "./entry.js";
import type { WriteSet } from "./entry.js";
import type { LogIndex, ProposeOutcome, ReplicatedLog, StateReader } from "./replicated-log.js";
import type { ValueCache } from "./value-cache.js";

/** A write set, and what it rests on. */
export interface Proposal {
  /** Log index of the view that it was evaluated at. */
  readonly index: LogIndex;
  readonly era: number;
  /** Keys that were read, with the log index that last wrote each (0: absent). */
  readonly reads: ReadonlyMap<string, LogIndex>;
  readonly writeSet: WriteSet;
}

export interface CommitOptions {
  readonly log: ReplicatedLog;
  readonly reader: StateReader;
  readonly cache: ValueCache;
}

/**
 * Checks write sets, and proposes those that hold. Within a term nobody but its leader appends to the log, and a leader that
 * is ready has applied all that came before its term. So it knows every write that precedes its next proposal: what is
 * applied, and its own proposals under way. A write set whose reads are current among these is applied by every replica
 * unchecked; one that lost never enters the log. (docs/adr/0011-checked-by-the-proposer.md)
 */
export function createCommits({ log, reader, cache }: CommitOptions): (proposal: Proposal) => Promise<ProposeOutcome> {
  /** By key, the last proposal that writes it and whose fate is not known yet. */
  const underWay = new Map<string, Promise<ProposeOutcome>>();

  function follow({ puts, deletes }: WriteSet, proposed: Promise<ProposeOutcome>): void {
    const keys = [...puts.map(([key]) => key), ...deletes];
    for (const key of keys) underWay.set(key, proposed);
    const forget = () => {
      for (const key of keys) if (underWay.get(key) === proposed) underWay.delete(key);
    };
    // Its outcome comes after the feed that tells of it. Whoever lost to it looks again after this.
    proposed.then(forget, forget);
  }

  const lost = (index: LogIndex): ProposeOutcome => ({ outcome: "conflict", index });

  /** The conflict of a proposal, if there is one; it is told when evaluating again makes sense. */
  function conflictOf({ index, era, reads }: Proposal): Promise<ProposeOutcome> | undefined {
    if (era !== cache.era()) return Promise.resolve(lost(cache.position()));
    // As long as nothing more was fed, only what is under way can have changed what was read.
    const isOlder = index !== cache.position();
    for (const [key, version] of reads) {
      const rival = underWay.get(key);
      if (rival) return rival.then(() => lost(cache.position()), () => lost(cache.position()));
      if (!isOlder || cache.get(key)?.version === version) continue;
      const current = reader.peek(key)?.version ?? 0;
      if (current !== version) return Promise.resolve(lost(Math.max(current, cache.position())));
    }
    return undefined;
  }

  return (proposal) => {
    const { isLeader, term } = log.leadership();
    if (!isLeader) return Promise.resolve({ outcome: "not-leader" });
    const conflict = conflictOf(proposal);
    if (conflict) return conflict;
    const proposed = log.propose(encodeEntry(proposal.writeSet), term);
    follow(proposal.writeSet, proposed);
    return proposed;
  };
}
