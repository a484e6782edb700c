import type { LogIndex } from "../core/types.js";
import type { DurableLog } from "../log/durable-log.js";
import type { StateMachine } from "./api.js";
import type { AppliedConfigurations } from "./applied-configurations.js";
import type { Turns } from "./turns.js";

export interface CompactionPort {
  readonly log: DurableLog;
  readonly machine: StateMachine;
  readonly machineTurns: Turns;
  readonly configurations: AppliedConfigurations;
  readonly threshold: number;
  readonly trailing: number;
  /** While a follower gets a snapshot, the entries behind it must stay. */
  readonly isHeld: () => boolean;
  readonly onCompacted: (index: LogIndex) => void;
}

/** Drops the log's beginning once enough was applied beyond it. One run at a time. */
export interface Compaction {
  consider(applied: LogIndex): Promise<void>;
}

export function createCompaction(port: CompactionPort): Compaction {
  const { log, machine, configurations } = port;
  let running = false;

  async function compact(): Promise<void> {
    // Only what the state machine is known to hold on disk may leave the log.
    const durable = await port.machineTurns.run(() => machine.flush());
    const index = durable - port.trailing;
    const term = log.term(index);
    if (term === undefined || index <= log.compaction.index || port.isHeld()) return;
    await log.compact({ index, term, ...configurations.at(index) });
    configurations.compacted(index);
    port.onCompacted(index);
  }

  return {
    async consider(applied) {
      if (running || port.isHeld() || applied - log.compaction.index < port.threshold + port.trailing) return;
      running = true;
      try {
        await compact();
      } finally {
        running = false;
      }
    },
  };
}
