import { closeSync, constants, openSync, write } from "node:fs";

/**
 * Appends whole lines to one file. Lines that come while a write is under way leave together in the next one, in order, so
 * they never interleave and a line is on its way to the disk when its promise resolves.
 */
export interface LineWriter {
  write(line: string): Promise<void>;
  /** After the file was rotated away: opens the path anew. */
  reopen(): void;
  close(): Promise<void>;
}

export function createFileWriter(path: string, mode: number): LineWriter {
  let fd = openAppend(path, mode);
  let waiting: { line: string; resolve: () => void; reject: (error: Error) => void }[] = [];
  let writing = false;

  function flush(): void {
    if (writing || waiting.length === 0) return;
    writing = true;
    const batch = waiting;
    waiting = [];
    const bytes = Buffer.from(batch.map(({ line }) => line).join(""));
    writeAll(fd, bytes, (error) => {
      writing = false;
      for (const { resolve, reject } of batch) {
        if (error) reject(error);
        else resolve();
      }
      flush();
    });
  }

  return {
    write: (line) =>
      new Promise((resolve, reject) => {
        waiting.push({ line, resolve, reject });
        flush();
      }),
    reopen() {
      const before = fd;
      fd = openAppend(path, mode);
      closeSync(before);
    },
    async close() {
      while (writing || waiting.length > 0) await new Promise((wake) => setImmediate(wake));
      closeSync(fd);
    },
  };
}

function openAppend(path: string, mode: number): number {
  return openSync(path, constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY, mode);
}

function writeAll(fd: number, bytes: Buffer, done: (error: Error | null) => void): void {
  write(fd, bytes, 0, bytes.length, null, (error, written) => {
    if (error || written === bytes.length) done(error);
    else writeAll(fd, bytes.subarray(written), done);
  });
}
