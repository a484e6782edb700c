import { join } from "node:path";
import type { LogIndex } from "./replicated-log.js";
import { readMeta } from "./state-core.js";
import type { OrderedDatabase, StateOperation } from "./state-core.js";
import type { StateDisk } from "./state-disk.js";
import { META_KEY, STAGED_KEY, SYNC_KEY, decodeMeta, encodeMeta } from "./state-layout.js";
import type { StateMeta } from "./state-layout.js";
import { BYTES, FIXED64, StateFormatError, decoding, newReader, newWriter, readMessage, readNumber, tag, writeNumber } from "./wire.js";

/**
 * How far a state is on disk for certain. Entries are applied without sync, and a loss of power does not just take the last of
 * them: LevelDB begins a new write-ahead file while the one before is neither synced nor in a table yet, and a disk may keep what
 * was written to the new one and lose writes of the old one. The state's own marker would not show that hole. So whoever makes
 * the state durable also notes what it was then, and in which run of the machine; when a later run opens it, it goes back to
 * that point, and everything behind it is applied again. Entries put and delete and read nothing but the marker and the staged
 * restore, which go back too: whatever of their effects was there already comes out the same. (docs/adr/0014-back-to-the-flush.md)
 */
export interface SyncPoint {
  /** The run of the machine in which it was noted. */
  readonly boot: string;
  readonly meta: StateMeta;
  /** The restore under way, as it is stored; empty for none. */
  readonly staged: Uint8Array;
  readonly reached: Reached;
}

/** The last entry of which effects may be in the state. Before all up to it is applied (again), the state is of no one index. */
export interface Reached {
  readonly index: LogIndex;
  readonly term: number;
}

const LOG_FILE = /^\d+\.log$/;
const NONE = new Uint8Array(0);

export const later = (one: Reached, other: Reached): Reached => (one.index > other.index ? one : { index: other.index, term: other.term });

export function encodeSyncPoint({ boot, meta, staged, reached }: SyncPoint): Uint8Array {
  const writer = newWriter();
  writer.uint32(tag(1, BYTES)).string(boot).uint32(tag(2, BYTES)).bytes(encodeMeta(meta)).uint32(tag(3, BYTES)).bytes(staged);
  writeNumber(writer, 4, reached.index);
  writeNumber(writer, 5, reached.term);
  return writer.finish();
}

export function decodeSyncPoint(bytes: Uint8Array): SyncPoint {
  return decoding("the state's last sync", () => {
    const reader = newReader(bytes);
    let boot = "";
    let [meta, staged]: Uint8Array[] = [NONE, NONE];
    let [index, term] = [0, 0];
    readMessage(reader, reader.len, (next) => {
      if (next === tag(1, BYTES)) boot = reader.string();
      else if (next === tag(2, BYTES)) meta = reader.bytes();
      else if (next === tag(3, BYTES)) staged = reader.bytes();
      else if (next === tag(4, FIXED64)) index = readNumber(reader);
      else if (next === tag(5, FIXED64)) term = readNumber(reader);
      else return false;
      return true;
    });
    return { boot, meta: decodeMeta(meta!), staged: staged!, reached: { index, term } };
  });
}

/** What `writeSyncPoint` notes when nothing may be lost just now. */
export function pointAt(database: OrderedDatabase, boot: string, meta: StateMeta, reached: Reached): SyncPoint {
  return { boot, meta, staged: database.getSync(STAGED_KEY) ?? NONE, reached: later(reached, meta) };
}

/**
 * Makes durable what was written, and notes it. A synced batch syncs only the write-ahead file in use, and LevelDB leaves the one
 * before unsynced until its table is built. So sync every such file first, oldest first; the note then stands on solid ground.
 */
export async function writeSyncPoint(disk: StateDisk, database: OrderedDatabase, location: string, point: SyncPoint, operations: readonly StateOperation[] = []): Promise<void> {
  const logs = (await disk.list(location)).filter((name) => LOG_FILE.test(name)).sort();
  for (const name of logs) {
    await disk.sync(join(location, name)).catch((error: NodeJS.ErrnoException) => {
      // Gone meanwhile: its table has been built and synced.
      if (error.code !== "ENOENT") throw error;
    });
  }
  await disk.sync(location);
  const synced: object = { sync: true };
  await database.batch([...operations, { type: "put", key: SYNC_KEY, value: encodeSyncPoint(point) }], synced);
}

/**
 * Begins a run of this process with a state as it was found: where the machine went down since, at what was surely on disk. Gives
 * what may be in it beyond that.
 */
export async function beginAtSyncPoint(disk: StateDisk, database: OrderedDatabase, location: string, boot: string): Promise<Reached> {
  const bytes = database.getSync(SYNC_KEY);
  if (database.getSync(META_KEY) === undefined || bytes === undefined) throw new StateFormatError(`${location} is not a complete state`);
  const found = readMeta(database);
  // A process that ends takes nothing along. Nor is anything known of a state from before there was anything noted.
  const last = bytes.length === 0 ? undefined : decodeSyncPoint(bytes);
  const isWhole = last === undefined || (boot !== "" && last.boot === boot);
  // Batches come back in the order in which they were written: none that is there is newer than the marker.
  const reached = last ? later(last.reached, found) : found;
  const begin = isWhole ? pointAt(database, boot, found, reached) : { ...last, boot, reached };
  const { meta, staged } = begin;
  const marker: StateOperation[] = [
    { type: "put", key: META_KEY, value: encodeMeta(meta) },
    staged.length > 0 ? { type: "put", key: STAGED_KEY, value: staged } : { type: "del", key: STAGED_KEY },
  ];
  await writeSyncPoint(disk, database, location, begin, marker);
  return begin.reached;
}
