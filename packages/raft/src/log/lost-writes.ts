import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const MARK = "DAMAGED";
const DROPPED = /\.log: dropping \d+ bytes; (.+)$/m;

/**
 * What LevelDB threw away of its write-ahead log as it opened `directory`, or ever before; undefined for nothing. A write that
 * a crash cut short ends the file, and LevelDB cuts it without a word: nobody was told that it had been done. But it also
 * goes on, and tells only its LOG, where a checksum does not fit; then synced writes are gone, a vote perhaps. That must not
 * be forgotten at the next start, when LevelDB has made its peace with what is left: so it is noted in a file. For any database
 * of LevelDB; the raft log is one.
 */
export function lostWrites(directory: string): string | undefined {
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
