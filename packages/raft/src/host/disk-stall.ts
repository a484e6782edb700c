import type { RaftLogger } from "./api.js";
import type { Measures } from "./measures.js";

/** Election timeouts that a write of the log may take before its disk counts as hanging. */
const PATIENCE_TIMEOUTS = 3;

/** Notices a disk that neither writes nor fails. Counts in ticks, so that a process that stood still does not blame its disk. */
export interface StallWatch {
  /** A write begins; the one before has ended. */
  begins(): void;
  ends(): void;
  tick(): void;
  isStalled(): boolean;
}

export interface StallPort {
  readonly electionTicks: number;
  readonly measures: Measures;
  readonly logger: RaftLogger;
  readonly onChange: (isStalled: boolean) => void;
}

export function createStallWatch({ electionTicks, measures, logger, onChange }: StallPort): StallWatch {
  /** Since the write began that is under way. */
  let ticks: number | undefined;
  let stalled = false;

  function become(isStalled: boolean): void {
    if (stalled === isStalled) return;
    stalled = isStalled;
    if (stalled) {
      measures.diskStalls += 1;
      logger.log("error", "the disk of this node does not answer: it hands leadership on, and leads no more until it does");
    } else logger.log("info", "the disk of this node answers again");
    onChange(stalled);
  }

  return {
    begins: () => void (ticks = 0),
    ends() {
      ticks = undefined;
      become(false);
    },
    tick() {
      if (ticks !== undefined && ++ticks > PATIENCE_TIMEOUTS * electionTicks) become(true);
    },
    isStalled: () => stalled,
  };
}
