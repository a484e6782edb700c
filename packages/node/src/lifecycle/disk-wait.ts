import { open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";

const PAUSE_MS = 2000;
/** Opening the log and the state writes what was not yet in a table; with less room than that the next failure is near. */
const NEEDED_BYTES = 64 * 1024 * 1024;
const PROBE_BYTES = 1024 * 1024;

/** Waits for a disk that is full or fails. */
export interface DiskWait {
  /** True once the folder can be written, with room to go on; looked at every few seconds. False when stopped. */
  untilWritable(): Promise<boolean>;
  isStopped(): boolean;
  stop(): void;
}

export function createDiskWait(directory: string, pauseMs = PAUSE_MS, neededBytes = NEEDED_BYTES): DiskWait {
  let stopped = false;
  let wake: () => void = () => undefined;

  async function pause(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      wake = resolve;
      timer = setTimeout(resolve, pauseMs);
    });
    clearTimeout(timer);
  }

  return {
    async untilWritable() {
      do {
        if (!stopped) await pause();
      } while (!stopped && !(await isWritable(directory, neededBytes)));
      return !stopped;
    },
    isStopped: () => stopped,
    stop() {
      stopped = true;
      wake();
    },
  };
}

/** A quota or a failing disk shows itself only in a write. */
async function isWritable(directory: string, neededBytes: number): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(directory);
    if (bavail * bsize < neededBytes) return false;
    await probeDisk(directory);
    return true;
  } catch {
    return false;
  }
}

/** Writes a file of 1 MiB, syncs it and deletes it. Rejects where that cannot be done. */
export async function probeDisk(directory: string): Promise<void> {
  const path = join(directory, "disk-probe");
  try {
    const handle = await open(path, "w", 0o600);
    try {
      await handle.writeFile(Buffer.alloc(PROBE_BYTES, 1));
      await handle.sync();
    } finally {
      await handle.close();
    }
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
}
