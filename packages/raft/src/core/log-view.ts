import { invariant } from "./invariant.js";
import type { Entry, LogIndex, LogReader, Term } from "./types.js";

/** What an entry counts for where bytes are bounded: many tiny ones cost too. */
export function entryBytes(entry: Entry): number {
  return entry.data.length + 32;
}

/**
 * The log as the protocol sees it: what is durable (the reader) with what is appended but not yet known durable laid over it.
 * Unstable entries shadow durable ones of the same index until the new ones are on disk.
 */
export interface LogView {
  firstIndex(): LogIndex;
  lastIndex(): LogIndex;
  lastTerm(): Term;
  term(index: LogIndex): Term | undefined;
  entries(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[] | undefined;
  /** Highest index known durable here with its present content. */
  stableIndex(): LogIndex;
  append(entries: readonly Entry[]): void;
  /** Entries that no Ready has carried yet; marks them as carried. */
  takeUnoffered(): readonly Entry[];
  hasUnoffered(): boolean;
  /** Entries up to index, written in term, are on disk. */
  persisted(index: LogIndex, term: Term): void;
  unstable(): readonly Entry[];
  /** A snapshot replaced the log up to index. */
  reset(index: LogIndex, term: Term): void;
  /** Largest index at most `index` whose term is at most `term`: where two logs may agree (etcd's findConflictByTerm). */
  lastWithTermAtMost(index: LogIndex, term: Term): LogIndex;
}

export function createLogView(reader: LogReader): LogView {
  /** unstable[i] has index offset + i. */
  let unstable: Entry[] = [];
  let offset = reader.lastIndex() + 1;
  let offered = offset - 1;
  /** Set between a snapshot's installation and the reader's knowing of it: the reader is asked for nothing below. */
  let base: { index: LogIndex; term: Term } | undefined;

  const firstIndex = () => (base ? base.index + 1 : reader.firstIndex());
  const lastIndex = () => offset + unstable.length - 1;

  function term(index: LogIndex): Term | undefined {
    if (index >= offset) return unstable[index - offset]?.term;
    if (base && index <= base.index) return index === base.index ? base.term : undefined;
    return reader.term(index);
  }

  function entries(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[] | undefined {
    if (from < firstIndex()) return undefined;
    const end = Math.min(to, lastIndex() + 1);
    if (from >= end) return [];
    const found: Entry[] = [];
    let bytes = 0;
    if (from < offset) {
      const stable = reader.entries(from, Math.min(end, offset), maxBytes);
      if (!stable) return undefined;
      for (const entry of stable) {
        found.push(entry);
        bytes += entryBytes(entry);
      }
      if (found.length < Math.min(end, offset) - from) return found;
    }
    for (let index = Math.max(from, offset); index < end; index++) {
      const entry = unstable[index - offset]!;
      bytes += entryBytes(entry);
      if (found.length > 0 && bytes > maxBytes) break;
      found.push(entry);
    }
    return found;
  }

  return {
    firstIndex,
    lastIndex,
    lastTerm: () => term(lastIndex()) ?? 0,
    term,
    entries,
    stableIndex: () => offset - 1,
    append(added) {
      if (added.length === 0) return;
      const first = added[0]!.index;
      invariant(first <= lastIndex() + 1, `append at ${first} leaves a gap after ${lastIndex()}`);
      if (first < offset) {
        unstable = [...added];
        offset = first;
      } else {
        unstable.length = first - offset;
        for (const entry of added) unstable.push(entry);
      }
      offered = Math.min(offered, first - 1);
    },
    takeUnoffered() {
      const fresh = unstable.slice(offered + 1 - offset);
      offered = lastIndex();
      return fresh;
    },
    hasUnoffered: () => offered < lastIndex(),
    persisted(index, writtenInTerm) {
      // Overwritten meanwhile by another leader's entry: that one will be reported on its own.
      if (index < offset || index > lastIndex() || term(index) !== writtenInTerm) return;
      unstable.splice(0, index - offset + 1);
      offset = index + 1;
      if (base && reader.firstIndex() > base.index) base = undefined;
    },
    unstable: () => unstable,
    reset(index, itsTerm) {
      unstable = [];
      offset = index + 1;
      offered = index;
      base = { index, term: itsTerm };
    },
    lastWithTermAtMost(index, atMost) {
      let at = Math.min(index, lastIndex());
      while (at > 0) {
        const itsTerm = term(at);
        if (itsTerm === undefined || itsTerm <= atMost) break;
        at -= 1;
      }
      return at;
    },
  };
}
