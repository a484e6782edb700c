import { entryBytes } from "../core/log-view.js";
import type { Entry, LogIndex } from "../core/types.js";

/** Bytes between two notes: the sizes below are exact to that. */
const STEP_BYTES = 1024 * 1024;

/** How many bytes of entries a log holds, and where: a note of a number each MiB, so that it costs an addition an entry. */
export interface LogSize {
  /** The entry was appended; one at an index already there cuts what was behind it. */
  appended(entry: Entry): void;
  cutFrom(index: LogIndex): void;
  /** The log begins after `index` now. */
  begins(index: LogIndex): void;
  /** Of the entries after `index`, within a MiB. */
  bytesAfter(index: LogIndex): number;
  /** The lowest index that leaves at most about `bytes` behind it. */
  indexBefore(bytes: number): LogIndex;
}

export function createLogSize(begin: LogIndex): LogSize {
  /** Ascending: `before` bytes were appended up to `index`. The first is where the log begins. */
  let notes: { readonly index: LogIndex; readonly before: number }[] = [{ index: begin, before: 0 }];
  let total = 0;
  let noted = 0;

  const at = (index: LogIndex) => notes.findLast((note) => note.index <= index) ?? notes[0]!;

  return {
    appended(entry) {
      total += entryBytes(entry);
      if (total - noted < STEP_BYTES) return;
      noted = total;
      notes.push({ index: entry.index, before: total });
    },
    cutFrom(index) {
      while (notes.length > 1 && notes[notes.length - 1]!.index >= index) notes.pop();
      // What lies between the last note and the cut is forgotten: less than a step.
      total = noted = notes[notes.length - 1]!.before;
    },
    begins(index) {
      const before = at(index).before;
      const rest = notes.filter((note) => note.index > index);
      notes = [{ index, before }, ...rest];
    },
    bytesAfter: (index) => total - at(index).before,
    indexBefore: (bytes) => (notes.find((note) => total - note.before <= bytes) ?? notes[notes.length - 1]!).index,
  };
}
