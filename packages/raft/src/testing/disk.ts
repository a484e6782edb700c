import type { Entry, HardState, LogIndex, LogReader, SnapshotMeta, Term } from "../core/types.js";
import { entryBytes } from "../core/log-view.js";
import { invariant } from "../core/invariant.js";
import type { CompactionPoint } from "../log/durable-log.js";

/** A log that never fails, for cores that a script drives. */
export interface Disk extends Omit<LogReader, "snapshotMeta"> {
  readonly hardState: HardState;
  readonly compaction: CompactionPoint;
  readonly expected: undefined;
  configurations(): readonly Entry[];
  put(work: { readonly hardState: HardState | undefined; readonly entries: readonly Entry[] }): void;
  compact(point: CompactionPoint): void;
  reset(meta: SnapshotMeta): void;
}

export function createDisk(): Disk {
  let hardState: HardState = { term: 0, vote: undefined, commit: 0 };
  let compaction: CompactionPoint = { index: 0, term: 0, configuration: { servers: [] }, configurationIndex: 0 };
  /** entries[i] has index compaction.index + 1 + i. */
  let entries: Entry[] = [];
  const lastIndex = () => compaction.index + entries.length;
  const at = (index: LogIndex) => entries[index - compaction.index - 1];

  return {
    get hardState() {
      return hardState;
    },
    get compaction() {
      return compaction;
    },
    expected: undefined,
    configurations: () => entries.filter((entry) => entry.kind === "config"),
    firstIndex: () => compaction.index + 1,
    lastIndex,
    term: (index): Term | undefined => (index === compaction.index ? compaction.term : at(index)?.term),
    entries(from, to, maxBytes) {
      if (from <= compaction.index) return undefined;
      const found: Entry[] = [];
      let bytes = 0;
      for (let index = from; index < to && index <= lastIndex(); index++) {
        bytes += entryBytes(at(index)!);
        if (found.length > 0 && bytes > maxBytes) break;
        found.push(at(index)!);
      }
      return found;
    },
    put(work) {
      hardState = work.hardState ?? hardState;
      const first = work.entries[0]?.index ?? lastIndex() + 1;
      invariant(first > compaction.index && first <= lastIndex() + 1, `entry ${first} does not follow entry ${lastIndex()}`);
      entries = [...entries.slice(0, first - compaction.index - 1), ...work.entries];
    },
    compact(point) {
      entries = entries.slice(point.index - compaction.index);
      compaction = point;
    },
    reset({ index, term, configuration, configurationIndex }) {
      entries = [];
      compaction = { index, term, configuration, configurationIndex };
    },
  };
}
