import type { RaftCore } from "../core/api.js";
import type { Message, Ready, SnapshotMeta } from "../core/types.js";
import type { DurableLog } from "../log/durable-log.js";
import type { DiskWork } from "./disk-stall.js";
import type { LogAge } from "./log-age.js";
import type { Measures } from "./measures.js";
import { createPendingWrites } from "./pending-writes.js";

export interface PersistencePort {
  readonly log: DurableLog;
  readonly core: RaftCore;
  readonly measures: Measures;
  readonly now: () => number;
  readonly watch: DiskWork;
  readonly logAge: Pick<LogAge, "written">;
  readonly isStopped: () => boolean;
  readonly send: (messages: readonly Message[]) => void;
  /** Something became durable: the core may want more done. */
  readonly onDurable: () => void;
  readonly fail: (error: unknown) => void;
}

/** Group commit: while one batch is being synced, the next one gathers. */
export interface Persistence {
  /** Sends what may leave at once and queues the rest. */
  accept(ready: Ready): void;
  /** Replaces the log by an installed snapshot, after all that is queued. The core takes no entries meanwhile. */
  reset(meta: SnapshotMeta): Promise<void>;
  idle(): Promise<void>;
}

export function createPersistence(port: PersistencePort): Persistence {
  const { log, core, measures } = port;
  const pending = createPendingWrites();
  let running: Promise<void> | undefined;
  /** A write failed: the disk no longer holds what the core believes, and nothing may be written after it. */
  let broken = false;

  async function writeAll(): Promise<void> {
    while (!port.isStopped() && !pending.isEmpty()) {
      const work = pending.take();
      const last = work.entries[work.entries.length - 1];
      if (!work.hardState && !last) {
        port.send(work.messages);
        continue;
      }
      const begin = port.now();
      port.watch.begins();
      try {
        await log.write(work);
      } finally {
        port.watch.ends();
      }
      measures.fsyncMsSum += port.now() - begin;
      measures.fsyncCount += 1;
      measures.appendedEntries += work.entries.length;
      if (last) {
        measures.appendBatches += 1;
        measures.lastAppendEntries = work.entries.length;
        port.logAge.written(work.entries[0]!.index);
      }
      pending.written();
      if (port.isStopped()) return;
      if (last) core.persisted(last.index, last.term);
      port.send(work.messages);
      port.onDurable();
    }
  }

  function occupy(job: () => Promise<void>): Promise<void> {
    const done = job().then(
      () => {
        running = undefined;
        // What came while the log was being reset.
        start();
      },
      (error: unknown) => {
        broken = true;
        running = undefined;
        port.fail(error);
        throw error;
      },
    );
    running = done.catch(() => undefined);
    return done;
  }

  function start(): void {
    if (!running && !broken && !port.isStopped() && !pending.isEmpty()) occupy(writeAll).catch(() => undefined);
  }

  async function idle(): Promise<void> {
    while (running) await running;
  }

  return {
    accept(ready) {
      port.send(pending.add(ready));
      start();
    },
    async reset(meta) {
      await idle();
      await occupy(() => log.reset(meta));
    },
    idle,
  };
}
