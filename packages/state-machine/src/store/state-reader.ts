import { resolve } from "node:path";
import type { StateReader, StateSnapshot } from "./replicated-log.js";
import { openLevel } from "./state-disk.js";
import { readMeta } from "./state-core.js";
import type { OrderedDatabase } from "./state-core.js";
import { EMPTY_META, META_KEY, decodeMeta, decodeStored, endOfFolder, epochPrefix } from "./state-layout.js";

/** Reads of a state that is being applied elsewhere in the process (another thread, for LevelDB). */
export interface ReopenableReader extends StateReader {
  /** Moves to the folder that `StateDatabase.location` names now. Snapshots taken before stay readable until they are closed. */
  reopen(location: string): Promise<void>;
  /** Resolves once the folders left by `reopen` so far are closed: then `StateDatabase.dropRetired` may be called. */
  released(): Promise<void>;
  /** Resolves once every snapshot is closed too. */
  close(): Promise<void>;
}

/** A database, and how many snapshots still need it open. */
interface Generation {
  readonly database: OrderedDatabase;
  open: number;
  retired: (() => void) | undefined;
}

function takeSnapshot(generation: Generation): StateSnapshot {
  const { database } = generation;
  const snapshot = database.snapshot();
  generation.open++;
  const options = { snapshot };
  const bytes = database.getSync(META_KEY, options);
  const { index, epoch } = bytes ? decodeMeta(bytes) : EMPTY_META;
  const prefix = epochPrefix(epoch);
  let closed = false;
  return {
    index,
    get(key) {
      const stored = database.getSync(prefix + key, options);
      return stored && decodeStored(stored);
    },
    async keys(from, to, limit) {
      const end = to === "" ? endOfFolder(prefix) : prefix + to;
      const keys = await database.keys({ gte: prefix + from, lt: end, limit, snapshot }).all();
      return keys.map((key) => key.slice(prefix.length));
    },
    close() {
      if (closed) return;
      closed = true;
      // Resolves once reads in flight are done; nobody waits for that.
      void snapshot.close();
      if (--generation.open === 0) generation.retired?.();
    },
  };
}

function retire(generation: Generation): Promise<void> {
  if (generation.open === 0) return generation.database.close();
  return new Promise((resolve, reject) => {
    generation.retired = () => void generation.database.close().then(resolve, reject);
  });
}

/** A reader of a database that is open already; it does not close it. Nobody tells it of resets, so that it looks each time. */
export function readerOf(database: OrderedDatabase): StateReader {
  const generation: Generation = { database, open: 0, retired: undefined };
  const reader = readerFor(() => generation);
  return { ...reader, peek: reader.get };
}

function readerFor(generation: () => Generation): Omit<StateReader, "peek"> {
  return {
    appliedIndex: () => readMeta(generation().database).index,
    get(key) {
      // Through a snapshot: the epoch and the value must be of one moment.
      const snapshot = takeSnapshot(generation());
      try {
        return snapshot.get(key);
      } finally {
        snapshot.close();
      }
    },
    snapshot: () => takeSnapshot(generation()),
  };
}

/** Opens the folder a StateDatabase of this process has open (`location`). */
export async function openStateReader(location: string): Promise<ReopenableReader> {
  const openGeneration = async (path: string): Promise<Generation> => ({ database: await openLevel(resolve(path)), open: 0, retired: undefined });
  let generation = await openGeneration(location);
  // Each reset, whether it changes the folder or only the epoch, comes with a `reopen`.
  let prefix = epochPrefix(readMeta(generation.database).epoch);
  let released: Promise<unknown> = Promise.resolve();
  return {
    ...readerFor(() => generation),
    peek(key) {
      const stored = generation.database.getSync(prefix + key);
      return stored && decodeStored(stored);
    },
    async reopen(path) {
      const next = await openGeneration(path);
      const previous = generation;
      generation = next;
      prefix = epochPrefix(readMeta(next.database).epoch);
      released = Promise.all([released, retire(previous)]);
    },
    released: async () => void (await released),
    close: async () => void (await Promise.all([released, retire(generation)])),
  };
}
