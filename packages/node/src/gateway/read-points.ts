import type { BarrierOutcome, ReplicatedLog } from "@coffer/state-machine";

/**
 * Linearizable read points, one question to the raft thread for all reads that arrived in one turn of the event loop. The
 * question goes out after the last of them arrived: a read must never share a point that was fixed before it came.
 */
export interface ReadPoints {
  next(): Promise<BarrierOutcome>;
}

export function createReadPoints(log: ReplicatedLog): ReadPoints {
  let gathering: Promise<BarrierOutcome> | undefined;
  return {
    next() {
      gathering ??= new Promise((resolve, reject) => {
        setImmediate(() => {
          gathering = undefined;
          log.readBarrier().then(resolve, reject);
        });
      });
      return gathering;
    },
  };
}
