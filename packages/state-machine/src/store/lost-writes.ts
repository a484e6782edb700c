import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const MARK = "DAMAGED";
const DROPPED = /\.log: dropping \d+ bytes; (.+)$/m;

/**
 * What LevelDB threw away of its write-ahead log as it opened `location`, or ever before; undefined for nothing. Where a
 * checksum does not fit it goes on with what lies behind, and tells only its LOG: the state would have a hole, and its marker
 * would say that it has none. Noted in a file, because the next start finds nothing any more. A write that a crash cut short
 * is no loss: the log brings it again.
 */
export function lostWrites(location: string): string | undefined {
  const mark = join(location, MARK);
  if (existsSync(mark)) return readFileSync(mark, "utf8").trim();
  const lost = ["LOG", "LOG.old"].map((name) => join(location, name)).filter(existsSync).map((path) => DROPPED.exec(readFileSync(path, "utf8"))?.[1]).find((reason) => reason !== undefined);
  if (lost === undefined) return undefined;
  writeFileSync(mark, `${lost}\n`, { mode: 0o600 });
  for (const path of [mark, location]) {
    const handle = openSync(path, "r");
    fsyncSync(handle);
    closeSync(handle);
  }
  return lost;
}
