import type { RaftLogger } from "./api.js";
import type { Measures } from "./measures.js";

/**
 * Election timeouts that a write of the log, or a step of the state, may take before its disk counts as hanging. A state that is made
 * durable may have much to write.
 */
const LOG_PATIENCE_TIMEOUTS = 3;
const STATE_PATIENCE_TIMEOUTS = 10;

/** One kind of work on the disk, one piece of it at a time. */
export interface DiskWork {
  begins(): void;
  ends(): void;
}

/** Notices a disk that neither writes nor fails. Counts in ticks, so that a process that stood still does not blame its disk. */
export interface StallWatch {
  readonly log: DiskWork;
  readonly state: DiskWork;
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
  let stalled = false;

  function look(): void {
    const is = log.isOverdue() || state.isOverdue();
    if (stalled === is) return;
    stalled = is;
    if (stalled) {
      measures.diskStalls += 1;
      logger.log("error", "the disk of this node does not answer: it hands leadership on, and leads no more until it does", { of: log.isOverdue() ? "log" : "state" });
    } else logger.log("info", "the disk of this node answers again");
    onChange(stalled);
  }

  function work(patienceTimeouts: number) {
    /** Since the piece began that is under way. */
    let ticks: number | undefined;
    return {
      begins: () => void (ticks = 0),
      ends() {
        ticks = undefined;
        if (stalled) look();
      },
      tick() {
        if (ticks !== undefined) ticks += 1;
      },
      isOverdue: () => ticks !== undefined && ticks > patienceTimeouts * electionTicks,
    };
  }

  const log = work(LOG_PATIENCE_TIMEOUTS);
  const state = work(STATE_PATIENCE_TIMEOUTS);
  return {
    log,
    state,
    tick() {
      log.tick();
      state.tick();
      look();
    },
    isStalled: () => stalled,
  };
}
