import type { StateMachine } from "./api.js";
import type { DiskWork } from "./disk-stall.js";
import type { Measures } from "./measures.js";

/** The state machine, with its work timed, and watched: all but an install, which waits for another server. */
export function watchMachine(machine: StateMachine, measures: Measures, now: () => number, watch: DiskWork): StateMachine {
  async function watched<T>(job: () => Promise<T>): Promise<T> {
    const begin = now();
    watch.begins();
    try {
      return await job();
    } finally {
      watch.ends();
      measures.machineMsSum += now() - begin;
    }
  }

  return {
    appliedIndex: () => machine.appliedIndex(),
    appliedTerm: () => machine.appliedTerm(),
    reached: () => machine.reached(),
    apply: (group) => watched(() => machine.apply(group)),
    flush: () => watched(() => machine.flush()),
    async openSnapshot() {
      const begin = now();
      const opened = await machine.openSnapshot();
      measures.snapshotOpenMsSum += now() - begin;
      measures.snapshotOpenCount += 1;
      return opened;
    },
    installSnapshot: (meta, chunks) => machine.installSnapshot(meta, chunks),
  };
}
