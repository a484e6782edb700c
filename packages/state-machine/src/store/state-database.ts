import { join, resolve } from "node:path";
import type { CommittedEntry, EntryOutcome } from "./apply.js";
import type { LogIndex } from "./replicated-log.js";
import { createStateCore, readMeta } from "./state-core.js";
import type { OpenedSnapshot, OrderedDatabase, StateCore } from "./state-core.js";
import { REAL_DISK } from "./state-disk.js";
import type { StateDisk } from "./state-disk.js";
import { EMPTY_META, META_KEY, STAGED_KEY, decodeMeta, decodeStaged, encodeMeta, epochPrefix } from "./state-layout.js";
import { beginAtSyncPoint, later, pointAt, writeSyncPoint } from "./sync-point.js";
import type { Reached } from "./sync-point.js";
import { readSnapshot } from "./snapshot-stream.js";
import { StateFormatError } from "./wire.js";

/**
 * A replica's state on disk. `CURRENT` names the folder in use; a snapshot is built in the next one and switched to by
 * renaming one small file, so that a crash leaves either state, whole.
 */
export interface StateDatabase {
  appliedIndex(): LogIndex;
  appliedTerm(): number;
  /**
   * The last entry of which effects are in the state. Beyond `appliedIndex` only after a loss of power: then the state is of no
   * one index, and nobody may read it, before all entries up to this one are applied again.
   */
  reached(): Reached;
  /** The folder in use: what a reader opens. Changes with `installSnapshot`. */
  location(): string;
  /**
   * Applies a group in order as one batch, not synced. Calls must not overlap, with each other or with `installSnapshot`.
   * After an error (an entry of a newer version, a gap, a failing disk) the node must stop.
   */
  apply(group: readonly CommittedEntry[]): Promise<readonly EntryOutcome[]>;
  /** Makes what is applied durable; returns that index. */
  flush(): Promise<LogIndex>;
  /** A fixed point, streamed while writes go on. Must be closed. Rejects before what was `reached` is applied. */
  openSnapshot(): Promise<OpenedSnapshot>;
  /** Replaces the whole state, or throws (StateFormatError for a bad stream) and changes nothing. Readers must then reopen at `location`. */
  installSnapshot(meta: { readonly index: LogIndex; readonly term: number }, chunks: AsyncIterable<Uint8Array>): Promise<{ readonly location: string }>;
  /**
   * Closes and deletes the folders that installations left behind. Only once no reader is in them (`ReopenableReader.released`);
   * until then they take disk space, and the next start drops them.
   */
  dropRetired(): Promise<void>;
  /**
   * Every reader in this process MUST be closed before: classic-level's first opener of a folder owns the block cache that all
   * the others read through, and frees it as it closes.
   */
  close(): Promise<void>;
}

const CURRENT = "CURRENT";
const FOLDER = /^state-(\d+)$/;
const LOAD_BATCH_BYTES = 1024 * 1024;

async function readCurrent(disk: StateDisk, directory: string): Promise<string | undefined> {
  const text = await disk.read(join(directory, CURRENT));
  if (text === undefined) return undefined;
  const name = text.trim();
  if (!FOLDER.test(name)) throw new StateFormatError(`${join(directory, CURRENT)} does not name a state folder`);
  return name;
}

async function writeCurrent(disk: StateDisk, directory: string, name: string): Promise<void> {
  const temporary = join(directory, `${CURRENT}.tmp`);
  await disk.write(temporary, `${name}\n`);
  await disk.rename(temporary, join(directory, CURRENT));
  await disk.sync(directory);
}

async function dropOthers(disk: StateDisk, directory: string, kept: readonly string[]): Promise<void> {
  for (const name of await disk.list(directory)) {
    if ((FOLDER.test(name) && !kept.includes(name)) || name === `${CURRENT}.tmp`) await disk.remove(join(directory, name));
  }
}

async function createFirst(disk: StateDisk, directory: string, boot: string): Promise<string> {
  const name = "state-1";
  // Without CURRENT nothing in it ever counted: an earlier first start did not get this far.
  await dropOthers(disk, directory, []);
  const database = await disk.openLevel(join(directory, name));
  await database.put(META_KEY, encodeMeta(EMPTY_META));
  await writeSyncPoint(disk, database, join(directory, name), pointAt(database, boot, EMPTY_META, EMPTY_META));
  await database.close();
  await writeCurrent(disk, directory, name);
  return name;
}

/** Fills an empty database from a snapshot's stream. The marker comes last: without it the folder is no state. */
async function load(database: OrderedDatabase, expected: { readonly index: LogIndex; readonly term: number }, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  let marker: { meta: Uint8Array; staged: Uint8Array } | undefined;
  let prefixes: readonly string[] = [];
  let operations: { type: "put"; key: string; value: Uint8Array }[] = [];
  let size = 0;
  const records = readSnapshot(chunks, (header) => {
    const meta = decodeMeta(header.meta);
    if (meta.index !== expected.index || meta.term !== expected.term) throw new StateFormatError(`the snapshot is of index ${meta.index}, not ${expected.index}`);
    prefixes = [epochPrefix(meta.epoch), ...(header.staged.length > 0 ? [epochPrefix(decodeStaged(header.staged).epoch)] : [])];
    marker = header;
  });
  for await (const [key, value] of records) {
    if (!prefixes.some((prefix) => key.startsWith(prefix))) throw new StateFormatError("the snapshot holds a key outside of the state");
    operations.push({ type: "put", key, value });
    size += value.length + key.length;
    if (size < LOAD_BATCH_BYTES) continue;
    await database.batch(operations);
    operations = [];
    size = 0;
  }
  if (!marker) throw new StateFormatError("the snapshot is incomplete");
  operations.push({ type: "put", key: META_KEY, value: marker.meta });
  if (marker.staged.length > 0) operations.push({ type: "put", key: STAGED_KEY, value: marker.staged });
  await database.batch(operations);
}

/**
 * What LevelDB threw away of the log of the database in this folder, as it was opened or ever before; undefined for nothing. Where a
 * checksum does not fit it goes on with what lies behind: a state would have a hole, and its marker would say that it has none.
 */
export type LostWrites = (directory: string) => string | undefined;

/** Opens (or begins) the state in `directory`, and drops what an interrupted installation left. Refuses one with a hole. */
export async function openStateDatabase(directory: string, lostWrites: LostWrites, disk: StateDisk = REAL_DISK): Promise<StateDatabase> {
  const root = resolve(directory);
  await disk.makeFolder(root);
  const boot = await disk.bootId();
  let name = (await readCurrent(disk, root)) ?? (await createFirst(disk, root, boot));
  await dropOthers(disk, root, [name]);
  let database = await disk.openLevel(join(root, name));
  const lost = lostWrites(join(root, name));
  if (lost !== undefined) {
    await database.close();
    throw new StateFormatError(`the state in ${join(root, name)} is damaged (part of what was written is lost: ${lost}): remove this node from the cluster, delete its data folder and let it join again`);
  }
  const location = () => join(root, name);
  let reached = await beginAtSyncPoint(disk, database, location(), boot).catch(async (error: unknown) => {
    await database.close();
    throw error;
  });
  let core: StateCore = createStateCore(database, undefined, flush);
  // Still open, because readers may be in them.
  let retired: { readonly name: string; readonly database: OrderedDatabase }[] = [];

  async function flush(): Promise<LogIndex> {
    const meta = core.meta();
    reached = later(reached, meta);
    await writeSyncPoint(disk, database, location(), pointAt(database, boot, meta, reached));
    return meta.index;
  }

  async function dropRetired(): Promise<void> {
    const dropped = retired;
    retired = [];
    for (const old of dropped) {
      await old.database.close();
      await disk.remove(join(root, old.name));
    }
  }

  async function install(meta: { readonly index: LogIndex; readonly term: number }, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const next = `state-${Number(FOLDER.exec(name)![1]) + 1}`;
    const built = await disk.openLevel(join(root, next));
    try {
      await load(built, meta, chunks);
      await writeSyncPoint(disk, built, join(root, next), pointAt(built, boot, readMeta(built), meta));
      await writeCurrent(disk, root, next);
    } catch (error) {
      await built.close();
      if ((await readCurrent(disk, root)) !== next) await disk.remove(join(root, next));
      throw error;
    }
    await core.stop();
    retired.push({ name, database });
    database = built;
    name = next;
    reached = { index: meta.index, term: meta.term };
    core = createStateCore(database, undefined, flush);
  }

  return {
    appliedIndex: () => core.meta().index,
    appliedTerm: () => core.meta().term,
    reached: () => later(reached, core.meta()),
    location,
    apply: (group) => core.apply(group),
    flush,
    async openSnapshot() {
      if (core.meta().index < reached.index) throw new Error(`the state is not whole before entry ${reached.index} is applied again`);
      return core.openSnapshot();
    },
    async installSnapshot(meta, chunks) {
      await install(meta, chunks);
      return { location: location() };
    },
    dropRetired,
    async close() {
      await core.stop();
      for (const old of retired) await old.database.close();
      await disk.closeLevel(database);
    },
  };
}
