import { Level } from "level";
import { entryBytes } from "../core/log-view.js";
import type { Configuration, Entry, HardState, LogIndex, LogReader, SnapshotMeta, Term } from "../core/types.js";
import { DiskFailure, isCorruption } from "./disk-failure.js";
import { createLogSize } from "./log-size.js";
import { lostWrites } from "./lost-writes.js";
import { DamagedLogError, decodeMeta, decodeRecord, encodeMeta, encodeRecord, entryKey } from "./record.js";

/** Recent entries kept in memory, by bytes: what followers that keep up, and applying, read. */
const CACHE_BYTES = 16 * 1024 * 1024;
/** LevelDB's memory table; two of them at times. */
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024;

/** Where the log begins: everything up to `index` is in the state machine, durably. */
export interface CompactionPoint {
  readonly index: LogIndex;
  readonly term: Term;
  readonly configuration: Configuration;
  readonly configurationIndex: LogIndex;
}

export interface DurableLog extends Omit<LogReader, "snapshotMeta"> {
  readonly hardState: HardState;
  readonly compaction: CompactionPoint;
  /** One synced batch. An entry at an index already there cuts the log from it on. */
  write(work: { readonly hardState: HardState | undefined; readonly entries: readonly Entry[] }): Promise<void>;
  /** Drops entries up to `point.index`. */
  compact(point: CompactionPoint): Promise<void>;
  /** Announces an install, so that a crash between it and `reset` is recognised. */
  expectSnapshot(meta: SnapshotMeta): Promise<void>;
  /** Drops everything: the state machine now holds `meta`. */
  reset(meta: SnapshotMeta): Promise<void>;
  readonly expected: SnapshotMeta | undefined;
  /** Its entries that hold a configuration, in order. */
  configurations(): readonly Entry[];
  /** Bytes of the entries after `index`, within a MiB. */
  bytesAfter(index: LogIndex): number;
  /** The lowest index that leaves at most about `bytes` of entries behind it. */
  indexBefore(bytes: number): LogIndex;
  close(): Promise<void>;
}

const HARD_STATE = Buffer.from("h");
const COMPACTION = Buffer.from("c");
const EXPECTED = Buffer.from("s");
/** Of entries that are read at a time when it is opened: many for each step into another thread, few for memory. */
const PAGE_BYTES = 128 * 1024;
const PAGE_ENTRIES = 1000;
/** So many are worth another opening, which takes some milliseconds. */
const MAPPED_BYTES = 1024 * 1024;
/** Behind all keys. */
const NOTHING = Buffer.from([0xff]);
const NEW: CompactionPoint = { index: 0, term: 0, configuration: { servers: [] }, configurationIndex: 0 };

export type LogOperation = { type: "put"; key: Uint8Array; value: Uint8Array } | { type: "del"; key: Uint8Array };

interface KeyRange {
  readonly gt?: Uint8Array;
  readonly gte?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly lte?: Uint8Array;
}

/** Ascending by key. Each call reads on, up to so many; none is the end. */
export interface LogValues {
  nextv(size: number): Promise<Uint8Array[]>;
  close(): Promise<void>;
}

/**
 * What the log asks of the database below it. A batch is there after a crash as a whole or not at all; a synced one that
 * resolved is there, with all that was written before it. What a `clear` deletes may come back, the later part of it first.
 */
export interface LogDatabase {
  getSync(key: Uint8Array): Uint8Array | undefined;
  batch(operations: LogOperation[], options: { readonly sync: boolean }): Promise<void>;
  values(range: KeyRange & { readonly highWaterMarkBytes?: number }): LogValues;
  keys(range: KeyRange): AsyncIterable<Uint8Array>;
  clear(range: KeyRange): Promise<void>;
  close(): Promise<void>;
}

/** What `level` is in Node, and its types leave out. */
type CompactableLevel = Level<Uint8Array, Uint8Array> & { compactRange(from: Uint8Array, to: Uint8Array): Promise<void> };

export async function openDurableLog(directory: string): Promise<DurableLog> {
  // Entries are written once, mostly read from memory, and deleted: the more of that happens before a table is built, the less is built. What is in them is sealed, and does not shrink.
  const options = { keyEncoding: "view", valueEncoding: "view", compression: false, writeBufferSize: WRITE_BUFFER_BYTES };
  const db = new Level<Uint8Array, Uint8Array>(directory, options) as CompactableLevel;
  try {
    await db.open();
    const lost = lostWrites(directory);
    if (lost !== undefined) throw new DamagedLogError(`part of what was written is lost: ${lost}`);
    const log = await readLog(logDatabase(db));
    // What was read of its tables stays mapped into memory until it closes.
    if (log.bytesAfter(log.compaction.index) >= MAPPED_BYTES) {
      await db.close();
      await db.open();
    }
    return log;
  } catch (error) {
    await db.close();
    throw isCorruption(error) ? new DamagedLogError(((error as Error).cause as Error | undefined)?.message ?? (error as Error).message) : error;
  }
}

function logDatabase(db: CompactableLevel): LogDatabase {
  return {
    getSync: (key) => db.getSync(key),
    /** As a chained batch, whose keys and values are passed as they are; a list's operations LevelDB asks for their members by name. */
    batch(operations, options) {
      const batch = db.batch();
      for (const operation of operations) {
        if (operation.type === "put") batch.put(operation.key, operation.value);
        else batch.del(operation.key);
      }
      return batch.write(options);
    },
    values: (range) => db.values(range),
    keys: (range) => db.keys(range),
    clear: (range) => db.clear(range),
    close: () => closeWritten(db),
  };
}

/**
 * Builds the table of what is in memory before it closes: the next start need not read it from the write-ahead file. LevelDB does so
 * before it compacts a range, even where nothing is in that.
 */
async function closeWritten(db: CompactableLevel): Promise<void> {
  // Where the disk fails the write-ahead file is still there.
  await db.compactRange(NOTHING, NOTHING).catch(() => undefined);
  await db.close();
}

/** The log as it stands in an open database. Throws DamagedLogError. */
export async function readLog(db: LogDatabase): Promise<DurableLog> {
  const meta = <T>(name: string, key: Uint8Array): T | undefined => {
    const bytes = db.getSync(key);
    return bytes === undefined ? undefined : decodeMeta<T>(name, bytes);
  };
  const hardState = meta<{ term: Term; vote?: string; commit: LogIndex; reach?: LogIndex }>("hard state", HARD_STATE);
  let compaction = meta<CompactionPoint>("compaction point", COMPACTION) ?? NEW;
  let expected = meta<SnapshotMeta>("expected snapshot", EXPECTED);

  let broken: DiskFailure | undefined;

  /** After a write that failed half of it may be in LevelDB's log: what came behind it would be lost at the next start. So nothing does. */
  async function synced(batch: LogOperation[]): Promise<void> {
    if (broken) throw broken;
    try {
      await db.batch(batch, { sync: true });
    } catch (error) {
      broken = new DiskFailure(`the raft log cannot be written: ${(error as Error).message}`, { cause: error });
      throw broken;
    }
  }

  let last = compaction.index;
  /** cache[i] has index cacheFirst + i and ends at `last`. */
  let cache: Entry[] = [];
  let cacheBytes = 0;
  let configurations: Entry[] = [];
  let size = createLogSize(compaction.index);

  /** The next entry is there. */
  function follows(entry: Entry): void {
    last = entry.index;
    size.appended(entry);
    if (entry.kind === "config") configurations.push(entry);
  }

  function remember(entry: Entry): void {
    follows(entry);
    cache.push(entry);
    cacheBytes += entry.data.length;
    if (cacheBytes <= CACHE_BYTES) return;
    let drop = 0;
    while (drop < cache.length - 1 && cacheBytes > CACHE_BYTES * 0.75) cacheBytes -= cache[drop++]!.data.length;
    cache.splice(0, drop);
  }

  // Each is looked at and none kept: what is needed of them later is read again, and most never is. One that is missing shows by the
  // next one, whose checksum covers its index.
  const found = db.values({ gt: entryKey(compaction.index), lt: entryKey(Number.MAX_SAFE_INTEGER), highWaterMarkBytes: PAGE_BYTES });
  for (let page = await found.nextv(PAGE_ENTRIES); page.length > 0; page = await found.nextv(PAGE_ENTRIES)) {
    for (const record of page) follows(decodeRecord(last + 1, record));
  }
  await found.close();

  const cacheFirst = () => last - cache.length + 1;

  function read(index: LogIndex): Entry {
    if (index >= cacheFirst()) return cache[index - cacheFirst()]!;
    const bytes = db.getSync(entryKey(index));
    if (bytes === undefined) throw new DamagedLogError(`entry ${index} is missing`);
    return decodeRecord(index, bytes);
  }

  function cutFrom(index: LogIndex, batch: LogOperation[]): void {
    for (let i = index; i <= last; i++) batch.push({ type: "del", key: entryKey(i) });
    for (const entry of cache.splice(Math.max(0, index - cacheFirst()))) cacheBytes -= entry.data.length;
    last = index - 1;
    size.cutFrom(index);
    configurations = configurations.filter((entry) => entry.index < index);
  }

  return {
    hardState: { term: hardState?.term ?? 0, vote: hardState?.vote, commit: hardState?.commit ?? 0, ...(hardState?.reach !== undefined && { reach: hardState.reach }) },
    get compaction() {
      return compaction;
    },
    get expected() {
      return expected;
    },
    firstIndex: () => compaction.index + 1,
    lastIndex: () => last,
    term(index) {
      if (index === compaction.index) return compaction.term;
      return index < compaction.index || index > last ? undefined : read(index).term;
    },
    entries(from, to, maxBytes) {
      if (from <= compaction.index) return undefined;
      const found: Entry[] = [];
      let bytes = 0;
      for (let index = from; index < to && index <= last; index++) {
        const entry = read(index);
        bytes += entryBytes(entry);
        if (found.length > 0 && bytes > maxBytes) break;
        found.push(entry);
      }
      return found;
    },
    async write({ hardState: state, entries }) {
      const batch: LogOperation[] = [];
      if (state) batch.push({ type: "put", key: HARD_STATE, value: encodeMeta(state) });
      // What is cut or added here is unstable in the core until this returns, so nobody reads it from this log meanwhile.
      const first = entries[0]?.index;
      const put: LogOperation[] = entries.map((entry) => ({ type: "put", key: entryKey(entry.index), value: encodeRecord(entry) }));
      if (first !== undefined && (first > last + 1 || first <= compaction.index)) throw new DamagedLogError(`entry ${first} does not follow entry ${last}`);
      if (first !== undefined && first <= last) cutFrom(first, batch);
      await synced([...batch, ...put]);
      for (const entry of entries) remember(entry);
    },
    async compact(point) {
      if (point.index <= compaction.index) return;
      await synced([{ type: "put", key: COMPACTION, value: encodeMeta(point) }]);
      compaction = point;
      size.begins(point.index);
      configurations = configurations.filter((entry) => entry.index > point.index);
      const drop = point.index - cacheFirst() + 1;
      if (drop > 0) for (const entry of cache.splice(0, drop)) cacheBytes -= entry.data.length;
      await db.clear({ gte: entryKey(0), lte: entryKey(point.index) });
    },
    async expectSnapshot(snapshot) {
      await synced([{ type: "put", key: EXPECTED, value: encodeMeta(snapshot) }]);
      expected = snapshot;
    },
    async reset(snapshot) {
      const point: CompactionPoint = { index: snapshot.index, term: snapshot.term, configuration: snapshot.configuration, configurationIndex: snapshot.configurationIndex };
      const batch: LogOperation[] = [{ type: "put", key: COMPACTION, value: encodeMeta(point) }, { type: "del", key: EXPECTED }];
      for await (const key of db.keys({ gte: entryKey(0), lt: entryKey(Number.MAX_SAFE_INTEGER) })) batch.push({ type: "del", key });
      await synced(batch);
      compaction = point;
      expected = undefined;
      cache = [];
      cacheBytes = 0;
      configurations = [];
      last = snapshot.index;
      size = createLogSize(last);
    },
    configurations: () => configurations,
    bytesAfter: (index) => size.bytesAfter(index),
    indexBefore: (bytes) => size.indexBefore(bytes),
    close: () => db.close(),
  };
}
