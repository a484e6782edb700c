import type { AbstractLevel } from "abstract-level";
import { applyGroup } from "./apply.js";
import type { CommittedEntry, EntryOutcome } from "./apply.js";
import type { EntryRecord } from "./entry.js";
import type { LogIndex } from "./replicated-log.js";
import { EMPTY_META, META_KEY, STAGED_KEY, decodeMeta, decodeStaged, encodeMeta, endOfFolder, epochPrefix } from "./state-layout.js";
import type { StateMeta } from "./state-layout.js";
import { writeSnapshot } from "./snapshot-stream.js";

/** The applying side of a state, on any ordered database (LevelDB on disk, a tree in memory). */

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the storage format differs by database and is its own business
export type OrderedDatabase = AbstractLevel<any, string, Uint8Array>;

export interface OpenedSnapshot {
  readonly index: LogIndex;
  readonly term: number;
  /** At most 1 MiB each. Read once. */
  readonly chunks: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export type StateOperation = { readonly type: "put"; readonly key: string; readonly value: Uint8Array } | { readonly type: "del"; readonly key: string };

/** Writes all of it or nothing to the database, and to whatever stands behind it. */
export type StateWriter = (operations: readonly StateOperation[]) => Promise<void>;

export interface StateCore {
  readonly meta: () => StateMeta;
  apply(group: readonly CommittedEntry[]): Promise<readonly EntryOutcome[]>;
  openSnapshot(): Promise<OpenedSnapshot>;
  /** Stops background work; to be called before the database closes. */
  stop(): Promise<void>;
}

const PAGE = 256;
const SWEEP_PAGE = 2_000;

export function readMeta(database: OrderedDatabase): StateMeta {
  const bytes = database.getSync(META_KEY);
  return bytes ? decodeMeta(bytes) : EMPTY_META;
}

async function* recordsOf(database: OrderedDatabase, options: object, epochs: readonly number[]): AsyncGenerator<EntryRecord> {
  for (const epoch of epochs) {
    const prefix = epochPrefix(epoch);
    const iterator = database.iterator({ gte: prefix, lt: endOfFolder(prefix), ...options });
    try {
      for (;;) {
        const page = await iterator.nextv(PAGE);
        if (page.length === 0) break;
        yield* page;
      }
    } finally {
      await iterator.close();
    }
  }
}

const noop = async () => undefined;

/** As a chained batch, whose keys and values are passed as they are; a list's operations LevelDB asks for their members by name. */
function writeTo(database: OrderedDatabase): StateWriter {
  return (operations) => {
    const batch = database.batch();
    for (const operation of operations) {
      if (operation.type === "put") batch.put(operation.key, operation.value);
      else batch.del(operation.key);
    }
    return batch.write();
  };
}

/**
 * Without `write`, batches go to the database alone, and are not synced. `settle`: what is awaited before anything is cleared
 * that a restore left behind, so that a crash cannot undo the restore and keep the clearing.
 */
export function createStateCore(database: OrderedDatabase, write: StateWriter = writeTo(database), settle: () => Promise<unknown> = noop): StateCore {
  let meta = readMeta(database);
  let sweeping: Promise<void> = Promise.resolve();
  let stopped = false;

  const stagedEpoch = () => {
    const bytes = database.getSync(STAGED_KEY);
    return bytes && decodeStaged(bytes).epoch;
  };

  /**
   * Clears what is left of earlier epochs. Only epochs below `nextEpoch` as it is now: none of them can come back to life,
   * whatever is applied meanwhile.
   */
  async function sweep(): Promise<void> {
    const kept = [meta.epoch, stagedEpoch()].filter((epoch) => epoch !== undefined).sort((a, b) => a - b);
    const ends = [...kept.map(epochPrefix), epochPrefix(meta.nextEpoch)];
    let from = "d";
    for (const to of ends) {
      while (!stopped) {
        const keys = await database.keys({ gte: from, lt: to, limit: SWEEP_PAGE }).all();
        if (keys.length === 0) break;
        await write(keys.map((key) => ({ type: "del", key })));
      }
      from = endOfFolder(to);
    }
  }
  const startSweep = () => {
    // A failing disk shows itself in the next apply; leftovers are swept again at the next start.
    sweeping = sweeping.then(sweep).catch(() => undefined);
  };

  startSweep();
  return {
    meta: () => meta,
    async apply(group) {
      if (group.length === 0) return [];
      const effects = applyGroup(meta, (key) => database.getSync(key), group);
      const operations: StateOperation[] = [];
      for (const [key, value] of effects.changes) operations.push(value === null ? { type: "del", key } : { type: "put", key, value });
      await write(operations);
      meta = effects.meta;
      if (effects.sweep) {
        await settle();
        startSweep();
      }
      return effects.outcomes;
    },
    async openSnapshot() {
      const snapshot = database.snapshot();
      const options = { snapshot };
      // Of the fixed point itself, whatever is being applied meanwhile.
      const marker = database.getSync(META_KEY, options) ?? encodeMeta(EMPTY_META);
      const staged = database.getSync(STAGED_KEY, options);
      const { index, term, epoch } = decodeMeta(marker);
      const epochs = staged ? [epoch, decodeStaged(staged).epoch] : [epoch];
      const header = { meta: marker, staged: staged ?? new Uint8Array(0) };
      return { index, term, chunks: writeSnapshot(header, recordsOf(database, options, epochs)), close: () => snapshot.close() };
    },
    async stop() {
      stopped = true;
      await sweeping;
    },
  };
}
