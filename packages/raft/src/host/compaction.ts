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
  /** Entries, and bytes of entries, applied since the last compaction that start the next. */
  readonly threshold: number;
  readonly thresholdBytes: number;
  /** Entries kept behind, as long as they are no more than so many bytes. */
  readonly trailing: number;
  readonly trailingBytes: number;
  /** While a follower gets a snapshot, the entries behind it must stay. */
  readonly isHeld: () => boolean;
  readonly now: () => number;
  readonly onCompacted: (index: LogIndex, flushMs: number, cutMs: number) => void;
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
    const begin = port.now();
    const durable = await port.machineTurns.run(() => machine.flush());
    const flushed = port.now();
    const index = Math.min(durable, Math.max(durable - port.trailing, log.indexBefore(port.trailingBytes)));
    const term = log.term(index);
    if (term === undefined || index <= log.compaction.index || port.isHeld()) return;
    await log.compact({ index, term, ...configurations.at(index) });
    configurations.compacted(index);
    port.onCompacted(index, flushed - begin, port.now() - flushed);
  }

  function isDue(applied: LogIndex): boolean {
    const since = log.compaction.index;
    return applied - since >= port.threshold + port.trailing || log.bytesAfter(since) >= port.thresholdBytes + port.trailingBytes;
  }

  return {
    async consider(applied) {
      if (running || port.isHeld() || !isDue(applied)) return;
      running = true;
      try {
        await compact();
      } finally {
        running = false;
      }
    },
  };
}
