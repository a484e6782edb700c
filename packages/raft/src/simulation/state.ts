import type { Entry, LogIndex, Term } from "../core/types.js";
import type { Random } from "./random.js";

/** A replicated state at one index. The digest stands for everything applied so far, in order. */
export interface StatePoint {
  readonly index: LogIndex;
  readonly term: Term;
  readonly digest: number;
}

/** Nothing applied. */
export const ORIGIN: StatePoint = { index: 0, term: 0, digest: 0 };

/** A state machine whose writes are not synced: a crash leaves any point between the last flush and what was applied. */
export interface State {
  readonly applied: () => StatePoint;
  apply(group: readonly Entry[]): readonly StatePoint[];
  flush(): LogIndex;
  install(point: StatePoint): void;
  crash(): void;
}

export function createState(random: Random): State {
  /** From the durable point to the applied one. */
  let points: StatePoint[] = [ORIGIN];
  const applied = () => points[points.length - 1]!;
  return {
    applied,
    apply(group) {
      const from = points.length;
      for (const { index, term, data } of group) {
        let digest = Math.imul(applied().digest ^ index, 0x01000193) ^ term;
        for (const byte of data) digest = Math.imul(digest ^ byte, 0x01000193);
        points.push({ index, term, digest: digest >>> 0 });
      }
      return points.slice(from);
    },
    flush() {
      points = [applied()];
      return applied().index;
    },
    install: (point) => void (points = [point]),
    crash: () => void (points = points.slice(0, random.int(1, points.length))),
  };
}
