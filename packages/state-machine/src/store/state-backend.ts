import type { EntryRecord } from "./entry.js";
import type { OrderedDatabase, StateOperation } from "./state-core.js";

/**
 * Where the state of a node without replicas lies, when that is not the database it reads from. It belongs to the one process
 * that opened it: whoever opens it later takes it away from the former one, or is refused.
 */
export interface StateBackend {
  /** All that is stored, in no order; what a crash left in the middle is finished or undone before. Called once, first. */
  load(): AsyncIterable<EntryRecord>;
  /**
   * All or nothing, and durable once it resolves. Calls do not overlap. When it rejects, nobody knows whether it was written:
   * the caller repeats the very same operations until it resolves, or gives up on a BackendLost.
   */
  write(operations: readonly StateOperation[]): Promise<void>;
  /** Whether nobody else can own it just now. False for a while where that is in doubt; then what is stored may be newer than what is read here. */
  isHeld(): boolean;
  /** Of those that keep a log: the whole state as it is after the last write, so that the log can begin anew. */
  readonly compaction?: {
    /** Asked after every write. */
    isDue(): boolean;
    /** Goes on beside later writes. */
    run(records: AsyncIterable<EntryRecord>): Promise<void>;
  };
  /** Gives the ownership back. */
  close(): Promise<void>;
}

/** This process does not own what is stored any more, or what is there is not what it left: it must stop. */
export class BackendLost extends Error {
  override readonly name = "BackendLost";
}

const FILL_BATCH_BYTES = 4 * 1024 * 1024;

/** Copies all that a backend holds into an empty database. */
export async function fillFrom(backend: StateBackend, database: OrderedDatabase): Promise<void> {
  let waiting: StateOperation[] = [];
  let size = 0;
  const flush = async () => {
    await database.batch(waiting);
    waiting = [];
    size = 0;
  };
  for await (const [key, value] of backend.load()) {
    waiting.push({ type: "put", key, value });
    size += key.length + value.length;
    if (size >= FILL_BATCH_BYTES) await flush();
  }
  await flush();
}
