import { chmodSync, closeSync, constants, existsSync, mkdirSync, openSync, write } from "node:fs";
import { dirname } from "node:path";

/**
 * Appends whole lines to one file. Lines that come while a write is under way leave together in the next one, in order, so
 * they never interleave, and a line has been handed to the operating system when its promise resolves.
 */
export interface LineWriter {
  write(line: string): Promise<void>;
  /** After the file was rotated away: opens the path anew, behind the lines that wait. Rejects if it cannot. */
  reopen(): Promise<void>;
  /** Behind the lines that wait. */
  close(): Promise<void>;
}

interface Job {
  /** Absent: not a line but a step between two writes. */
  readonly line?: string;
  readonly step?: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const FOLDER_MODE = 0o700;

/** Throws what the operating system says when the file cannot be opened. A mode of 0 leaves the file's own. */
export function createFileWriter(path: string, mode: number): LineWriter {
  let fd = openAppend(path, mode);
  let waiting: Job[] = [];
  let isBusy = false;
  /** A failed write left half a line behind, which the next one must not be glued to. */
  let isTorn = false;

  function enqueue(job: Pick<Job, "line" | "step">): Promise<void> {
    return new Promise((resolve, reject) => {
      waiting.push({ ...job, resolve, reject });
      work();
    });
  }

  function work(): void {
    while (!isBusy && waiting.length > 0) {
      const next = waiting[0]!;
      if (next.step) runStep(next, next.step);
      else writeLines();
    }
  }

  function runStep(job: Job, step: () => void): void {
    waiting.shift();
    try {
      step();
      job.resolve();
    } catch (error) {
      job.reject(error);
    }
  }

  function writeLines(): void {
    const end = waiting.findIndex(({ step }) => step !== undefined);
    const batch = end < 0 ? waiting : waiting.slice(0, end);
    waiting = end < 0 ? [] : waiting.slice(end);
    isBusy = true;
    const text = batch.map(({ line }) => line).join("");
    writeAll(fd, Buffer.from(isTorn ? `\n${text}` : text), 0, (error, written) => {
      isBusy = false;
      if (!error) isTorn = false;
      else if (written > 0) isTorn = true;
      for (const { resolve, reject } of batch) {
        if (error) reject(error);
        else resolve();
      }
      work();
    });
  }

  return {
    write: (line) => enqueue({ line }),
    reopen: () =>
      enqueue({
        step: () => {
          const before = fd;
          fd = openAppend(path, mode);
          isTorn = false;
          closeSync(before);
        },
      }),
    close: () => enqueue({ step: () => closeSync(fd) }),
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
