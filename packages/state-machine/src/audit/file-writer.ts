import { chmodSync, closeSync, constants, existsSync, mkdirSync, openSync, write } from "node:fs";
import { dirname } from "node:path";
import { createLineQueue } from "./line-writer.js";
import type { LineWriter } from "./line-writer.js";

const FOLDER_MODE = 0o700;

/** Appends to one file. Throws what the operating system says when it cannot be opened. A mode of 0 leaves the file's own. */
export function createFileWriter(path: string, mode: number): LineWriter {
  let fd = openAppend(path, mode);
  /** A failed write left half a line behind, which the next one must not be glued to. */
  let isTorn = false;

  const { write, step } = createLineQueue(
    (lines) =>
      new Promise((resolve, reject) => {
        writeAll(fd, Buffer.from(isTorn ? `\n${lines}` : lines), 0, (error, written) => {
          if (!error) isTorn = false;
          else if (written > 0) isTorn = true;
          if (error) reject(error);
          else resolve();
        });
      }),
  );

  return {
    write,
    reopen: () =>
      step(() => {
        const before = fd;
        fd = openAppend(path, mode);
        isTorn = false;
        closeSync(before);
      }),
    close: () => step(() => closeSync(fd)),
  };
}

function openAppend(path: string, mode: number): number {
  mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE });
  const isNew = !existsSync(path);
  const fd = openSync(path, constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY, mode === 0 ? 0o600 : mode);
  // The process's umask does not decide who reads an audit log.
  if (isNew && mode !== 0) chmodSync(path, mode);
  return fd;
}

function writeAll(fd: number, bytes: Buffer, from: number, done: (error: Error | null, written: number) => void): void {
  write(fd, bytes, from, bytes.length - from, null, (error, written) => {
    if (error || from + written === bytes.length) done(error, from + written);
    else writeAll(fd, bytes, from + written, done);
  });
}
