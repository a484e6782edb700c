import { openMemoryDatabase } from "./memory-log.js";
import type { ReplicatedLog, StateReader } from "./replicated-log.js";
import { createSoleLog } from "./sole-log.js";
import { createStateCore } from "./state-core.js";
import type { OpenedSnapshot, OrderedDatabase, StateOperation, StateWriter } from "./state-core.js";
import { BackendLost, fillFrom } from "./state-backend.js";
import type { StateBackend } from "./state-backend.js";
import type { LostWrites } from "./state-database.js";
import { openLevel } from "./state-disk.js";
import { readerOf } from "./state-reader.js";
import { StateFormatError } from "./wire.js";

/** The state of a node without replicas, and the log of one member that changes it. */
export interface SoleState {
  readonly log: ReplicatedLog;
  readonly reader: StateReader;
  openSnapshot(): Promise<OpenedSnapshot>;
  close(): Promise<void>;
}

export interface BackendStateOptions {
  readonly backend: StateBackend;
  readonly leaderId: string;
  /** A write failed; it is repeated until it succeeds. Told once, then `onRecovered`. */
  readonly onStalled: (error: Error) => void;
  readonly onRecovered: () => void;
  /** Nothing can be written any more. */
  readonly onLost: (error: Error) => void;
  /** Between attempts. Milliseconds; default 1000. */
  readonly retryMs?: number;
}

const RETRY_MS = 1000;

/**
 * In a LevelDB folder of this machine; every group is synced before it is acknowledged. After a write that failed nothing is
 * written any more, and `onLost` is told: what lies behind a record that was cut short could not be found again.
 */
export async function openFolderState(location: string, leaderId: string, lostWrites: LostWrites, onLost: (error: Error) => void): Promise<SoleState> {
  const database = await openLevel(location);
  const lost = lostWrites(location);
  if (lost !== undefined) {
    await database.close();
    throw new StateFormatError(`the state in ${location} is damaged (part of what was written is lost: ${lost})`);
  }
  let failure: Error | undefined;
  const synced: object = { sync: true };
  const core = createStateCore(database, async (operations) => {
    if (failure) throw failure;
    await database.batch([...operations], synced).catch((error: unknown) => {
      failure = error instanceof Error ? error : new Error(String(error));
      sole.stall();
      onLost(failure);
      throw failure;
    });
  });
  const sole = createSoleLog(core, leaderId);
  return {
    log: sole.log,
    reader: readerOf(database),
    openSnapshot: () => core.openSnapshot(),
    async close() {
      await core.stop();
      await database.close();
    },
  };
}

/** Somewhere else: all of it is held in memory too, sealed as it is stored, for reads; writes go through before they are acknowledged. */
export async function openBackendState(options: BackendStateOptions): Promise<SoleState> {
  const { backend, leaderId } = options;
  const database = await openMemoryDatabase();
  await fillFrom(backend, database);
  const compactor = createCompactor(backend, database);
  const writer = createRepeatedWriter(options, {
    onStall: () => sole.stall(),
    onResume: () => sole.resume(),
    async onWritten(operations) {
      await database.batch([...operations]);
      compactor.look();
    },
  });
  const core = createStateCore(database, writer.write);
  const sole = createSoleLog(core, leaderId, () => backend.isHeld());
  return {
    log: sole.log,
    reader: readerOf(database),
    openSnapshot: () => core.openSnapshot(),
    async close() {
      writer.stop();
      await core.stop();
      await writer.settled();
      await compactor.settled();
      await backend.close();
      await database.close();
    },
  };
}

/** Starts compactions, one at a time. One that fails leaves a longer log, and is due again after the next write. */
function createCompactor({ compaction }: StateBackend, database: OrderedDatabase): { look(): void; settled(): Promise<void> } {
  let running: Promise<void> | undefined;
  return {
    look() {
      if (running || !compaction?.isDue()) return;
      const snapshot = database.snapshot();
      running = compaction
        .run(database.iterator({ snapshot } as object))
        .catch(() => undefined)
        .then(() => snapshot.close())
        .finally(() => (running = undefined));
    },
    settled: async () => void (await running),
  };
}

interface WriterEvents {
  readonly onStall: () => void;
  readonly onResume: () => void;
  /** Before the next write begins. */
  readonly onWritten: (operations: readonly StateOperation[]) => Promise<void>;
}

interface RepeatedWriter {
  readonly write: StateWriter;
  stop(): void;
  settled(): Promise<void>;
}

/** One write after the other, each until it is known to be there. */
function createRepeatedWriter({ backend, onStalled, onRecovered, onLost, retryMs = RETRY_MS }: BackendStateOptions, events: WriterEvents): RepeatedWriter {
  let last: Promise<void> = Promise.resolve();
  let isStopped = false;
  let gaveUp: Error | undefined;
  let wake = (): void => undefined;

  const pause = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, retryMs);
      wake = () => (clearTimeout(timer), resolve());
    });

  async function persist(operations: readonly StateOperation[]): Promise<void> {
    if (gaveUp) throw gaveUp;
    let isStalled = false;
    for (;;) {
      const failure = await backend.write(operations).then(() => undefined, (error: unknown) => (error instanceof Error ? error : new Error(String(error))));
      if (!failure) break;
      if (!isStalled) events.onStall();
      if (failure instanceof BackendLost) {
        gaveUp = failure;
        onLost(failure);
      }
      if (gaveUp || isStopped) throw failure;
      if (!isStalled) onStalled(failure);
      isStalled = true;
      await pause();
    }
    await events.onWritten(operations);
    if (!isStalled) return;
    onRecovered();
    events.onResume();
  }

  return {
    write(operations) {
      const done = last.then(() => persist(operations));
      last = done.catch(() => undefined);
      return done;
    },
    stop() {
      isStopped = true;
      wake();
    },
    settled: () => last,
  };
}
