import { readFileSync, writeFileSync, existsSync, closeSync, fsyncSync, openSync } from "node:fs";
import { join } from "node:path";

/** The disk is full or fails: what was to be written is not there, what was acknowledged is. */
export class DiskFailure extends Error {
  override readonly name = "DiskFailure";
  readonly code = "disk_failed";
}

const DISK_CODES: ReadonlySet<unknown> = new Set(["LEVEL_IO_ERROR", "ENOSPC", "EDQUOT", "EIO", "EROFS", "EFBIG", "disk_failed"]);

/** The error and what caused it, which LevelDB tells one level down. */
function codesOf(error: unknown): unknown[] {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } };
  return [code, cause?.code];
}

export function isDiskFailure(error: unknown): boolean {
  return codesOf(error).some((code) => DISK_CODES.has(code));
}

/** What LevelDB found to be other than it was written. */
export function isCorruption(error: unknown): boolean {
  return codesOf(error).includes("LEVEL_CORRUPTION");
}

const MARK = "DAMAGED";
const DROPPED = /\.log: dropping \d+ bytes; (.+)$/m;

/**
 * What LevelDB threw away of its write-ahead log as it opened `directory`, or ever before; undefined for nothing. A write that
 * a crash cut short ends the file, and LevelDB cuts it without a word: nobody was told that it had been done. But it also
 * goes on, and tells only its LOG, where a checksum does not fit; then synced writes are gone, a vote perhaps. That must not
 * be forgotten at the next start, when LevelDB has made its peace with what is left: so it is noted in a file.
 */
export function lostAtOpening(directory: string): string | undefined {
  const mark = join(directory, MARK);
  if (existsSync(mark)) return readFileSync(mark, "utf8").trim();
  const lost = ["LOG", "LOG.old"].map((name) => droppedBy(join(directory, name))).find((reason) => reason !== undefined);
  if (lost === undefined) return undefined;
  writeFileSync(mark, `${lost}\n`, { mode: 0o600 });
  for (const path of [mark, directory]) {
    const handle = openSync(path, "r");
    fsyncSync(handle);
    closeSync(handle);
  }
  return lost;
}

function droppedBy(path: string): string | undefined {
  return existsSync(path) ? DROPPED.exec(readFileSync(path, "utf8"))?.[1] : undefined;
}
