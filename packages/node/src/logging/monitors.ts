import { Readable } from "node:stream";
import { LEVELS } from "./level.js";
import type { Level } from "./level.js";
import { standardLine } from "./standard-line.js";

/** Those who watch the log from afar, each at a level of their own. */
export interface Monitors {
  /** Whether anybody wants this level: only then is a line made for them. */
  wants(level: Level): boolean;
  /** `json`: one line, without its end. */
  write(level: Level, json: string): void;
  open(level: Level, format: "standard" | "json"): Readable;
}

/** What a reader that does not keep up may have waiting; more is dropped, and said so. Bytes. */
const MAX_WAITING = 1024 * 1024;

export function createMonitors(): Monitors {
  const open = new Set<{ readonly rank: number; readonly send: (json: string) => void }>();

  return {
    wants(level) {
      const rank = LEVELS.indexOf(level);
      for (const monitor of open) if (monitor.rank <= rank) return true;
      return false;
    },
    write(level, json) {
      const rank = LEVELS.indexOf(level);
      for (const monitor of open) if (monitor.rank <= rank) monitor.send(json);
    },
    open(level, format) {
      let dropped = 0;
      const stream = new Readable({ read() {}, destroy: (error, done) => void (open.delete(monitor), done(error)) });
      const monitor = {
        rank: LEVELS.indexOf(level),
        send(json: string) {
          if (stream.readableLength > MAX_WAITING) return void (dropped += 1);
          if (dropped > 0) stream.push(`Monitor dropped ${dropped} logs during monitor request\n`);
          dropped = 0;
          stream.push(format === "json" ? `${json}\n` : standardLine(json));
        },
      };
      open.add(monitor);
      return stream;
    },
  };
}
