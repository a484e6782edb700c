import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Level } from "level";

/** Held as long as this process uses its data folder. */
export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Keeps a second process out of a data folder: it would throw away what the first is just building there. Node has no file
 * locks, LevelDB does: an empty database holds one for us, which goes with the process however that ends.
 */
export async function lockDataFolder(directory: string): Promise<FolderLock> {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new Error(`the data folder ${directory} cannot be made: ${(error as Error).message}`);
  }
  const database = new Level(join(directory, "lock"));
  try {
    await database.open();
  } catch (error) {
    const cause = (error as { cause?: NodeJS.ErrnoException }).cause;
    if (cause?.code === "LEVEL_LOCKED") throw new Error(`the data folder ${directory} is in use by another process`);
    throw new Error(`the data folder ${directory} cannot be used: ${cause?.message ?? (error as Error).message}`);
  }
  return { release: () => database.close() };
}
