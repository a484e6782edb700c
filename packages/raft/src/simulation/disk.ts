import type { Entry, HardState, LogIndex, LogReader, SnapshotMeta, Term } from "../core/types.js";
import { invariant } from "../core/invariant.js";
import type { CompactionPoint } from "../log/durable-log.js";
import type { Random } from "./random.js";

/** What a crash leaves of the log: whole writes, the synced ones for certain. */
export interface Disk extends Omit<LogReader, "snapshotMeta"> {
  readonly hardState: HardState;
  readonly compaction: CompactionPoint;
  readonly expected: SnapshotMeta | undefined;
  /** Begins a write: it may or may not survive a crash until it is finished. */
  begin(write: () => void): void;
  /** The write that was begun is synced. */
  finish(): void;
  crash(): void;
  /** The writes themselves, for `begin`. */
  put(work: { readonly hardState: HardState | undefined; readonly entries: readonly Entry[] }): void;
  compact(point: CompactionPoint): void;
  expectSnapshot(meta: SnapshotMeta): void;
  reset(meta: SnapshotMeta): void;
}

/** How a disk may break its promise; the simulator must notice. */
export interface DiskBreakage {
  readonly forgetsVotes?: boolean;
  readonly losesSyncedEntries?: boolean;
  /** Overwriting an entry leaves those behind it. */
  readonly keepsTail?: boolean;
}

interface Content {
  hardState: HardState;
  compaction: CompactionPoint;
  expected: SnapshotMeta | undefined;
  /** entries[i] has index compaction.index + 1 + i. */
  entries: Entry[];
}

export function createDisk(random: Random, breakage: DiskBreakage): Disk {
  const content: Content = {
    hardState: { term: 0, vote: undefined, commit: 0 },
    compaction: { index: 0, term: 0, configuration: { servers: [] }, configurationIndex: 0 },
    expected: undefined,
    entries: [],
  };
  let unfinished: (() => void) | undefined;

  const lastIndex = () => content.compaction.index + content.entries.length;
  const at = (index: LogIndex) => content.entries[index - content.compaction.index - 1];
  function term(index: LogIndex): Term | undefined {
    return index === content.compaction.index ? content.compaction.term : at(index)?.term;
  }

  return {
    get hardState() {
      return content.hardState;
    },
    get compaction() {
      return content.compaction;
    },
    get expected() {
      return content.expected;
    },
    firstIndex: () => content.compaction.index + 1,
    lastIndex,
    term,
    entries(from, to, maxBytes) {
      if (from <= content.compaction.index) return undefined;
      const found: Entry[] = [];
      let bytes = 0;
      for (let index = from; index < to && index <= lastIndex(); index++) {
        bytes += at(index)!.data.length + 32;
        if (found.length > 0 && bytes > maxBytes) break;
        found.push(at(index)!);
      }
      return found;
    },
    begin: (write) => void (unfinished = write),
    finish() {
      unfinished?.();
      unfinished = undefined;
    },
    crash() {
      if (unfinished && random.chance(0.5)) unfinished();
      unfinished = undefined;
      if (breakage.forgetsVotes) content.hardState = { ...content.hardState, vote: undefined };
      if (breakage.losesSyncedEntries) content.entries.splice(Math.max(0, content.entries.length - 2));
    },
    put({ hardState, entries }) {
      if (hardState) content.hardState = hardState;
      const first = entries[0]?.index ?? lastIndex() + 1;
      invariant(first > content.compaction.index && first <= lastIndex() + 1, `entry ${first} does not follow entry ${lastIndex()}`);
      content.entries.splice(first - content.compaction.index - 1, breakage.keepsTail ? entries.length : Infinity, ...entries);
    },
    compact(point) {
      content.entries.splice(0, point.index - content.compaction.index);
      content.compaction = point;
    },
    expectSnapshot: (meta) => void (content.expected = meta),
    reset(meta) {
      content.compaction = meta;
      content.entries = [];
      content.expected = undefined;
    },
  };
}
