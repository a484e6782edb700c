import type { LogIndex } from "../core/types.js";

/** Entries that are written within this time of each other count as equally old. */
const STEP_MS = 1000;

/** When entries were written here. They do not tell it themselves: what the log held at the start counts from then. */
export interface LogAge {
  /** Entries from `first` on are written; what was there from it on is replaced. */
  written(first: LogIndex): void;
  /** Milliseconds since the entry at `index`, the first in the log, was written. Forgets those before it. */
  ageOf(index: LogIndex): number;
}

export function createLogAge(now: () => number): LogAge {
  /** In order; entries up to the next one's index are as old as this one. */
  const marks: { index: LogIndex; readonly at: number }[] = [{ index: 0, at: now() }];
  return {
    written(first) {
      while (marks.length > 1 && marks[marks.length - 1]!.index >= first) marks.pop();
      const at = now();
      if (at - marks[marks.length - 1]!.at >= STEP_MS) marks.push({ index: first, at });
    },
    ageOf(index) {
      let before = 0;
      while (before + 1 < marks.length && marks[before + 1]!.index <= index) before += 1;
      marks.splice(0, before);
      return now() - marks[0]!.at;
    },
  };
}
