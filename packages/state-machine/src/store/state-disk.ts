import { mkdir, open, readFile, readdir, rename, rm } from "node:fs/promises";
import { Level } from "level";
import type { OrderedDatabase } from "./state-core.js";

/** What a state asks of the disk it lies on. Handed in, so that a simulation can be a disk that loses what was not synced. */
export interface StateDisk {
  makeFolder(path: string): Promise<void>;
  /** Opens the database in a folder, or begins one. */
  openLevel(folder: string): Promise<OrderedDatabase>;
  /** Closes it in a way that leaves the next opening little to read again. */
  closeLevel(database: OrderedDatabase): Promise<void>;
  /** Names in a folder. */
  list(folder: string): Promise<string[]>;
  /** A file's text; undefined when there is none. */
  read(path: string): Promise<string | undefined>;
  /** A whole file, synced. Its name is not, until its folder is. */
  write(path: string, text: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Of this run of the machine, which ends as its memory is lost; "" where that cannot be told, so that every run may be another. */
  bootId(): Promise<string>;
  /** Makes a file's content, or a folder's names, durable. Rejects with ENOENT for one that is gone. */
  sync(path: string): Promise<void>;
  /** A file, or a folder with all that is in it; nothing, when it is not there. */
  remove(path: string): Promise<void>;
}

/** Memory LevelDB fills before it writes a table; larger means fewer tables. Bytes. */
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024;
/** LevelDB's blocks. Hot values are kept decoded elsewhere. */
const CACHE_BYTES = 16 * 1024 * 1024;

/** What `level` is in Node, and its types leave out. */
type CompactableLevel = OrderedDatabase & { compactRange(from: string, to: string): Promise<void> };
/** Behind all keys (state-layout.ts). */
const NOTHING = "~";

export async function openLevel(location: string): Promise<OrderedDatabase> {
  // What is stored is sealed, and does not shrink.
  const options = { keyEncoding: "utf8", valueEncoding: "view", compression: false, multithreading: true, writeBufferSize: WRITE_BUFFER_BYTES, cacheSize: CACHE_BYTES };
  const database = new Level<string, Uint8Array>(location, options);
  await database.open();
  return database;
}

/**
 * Builds the table of what is in memory, instead of leaving it to the next start, which would have to read it from the write-ahead file
 * first. LevelDB does so before it compacts a range, even where nothing is in that.
 */
async function closeLevel(database: OrderedDatabase): Promise<void> {
  // Where the disk fails the write-ahead file is still there.
  await (database as CompactableLevel).compactRange(NOTHING, NOTHING).catch(() => undefined);
  await database.close();
}

const BOOT_ID = "/proc/sys/kernel/random/boot_id";

const readText = (path: string) => readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
  if (error.code === "ENOENT") return undefined;
  throw error;
});

export const REAL_DISK: StateDisk = Object.freeze({
  openLevel,
  closeLevel,
  list: (folder: string) => readdir(folder),
  rename,
  async makeFolder(path: string) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  read: readText,
  // Linux (random(4)).
  bootId: async () => ((await readText(BOOT_ID)) ?? "").trim(),
  async write(path: string, text: string) {
    const handle = await open(path, "w", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  async sync(path: string) {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  remove: (path: string) => rm(path, { recursive: true, force: true }),
});
