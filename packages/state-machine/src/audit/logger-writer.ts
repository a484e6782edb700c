import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createLineQueue } from "./line-writer.js";
import type { LineWriter } from "./line-writer.js";

/** util-linux cuts off what is longer; the sockets of syslog take no more by default. */
const MAX_BYTES = 65_000;

export interface LoggerOptions {
  readonly path: string;
  /** As logger names it: `auth`. */
  readonly facility: string;
  readonly tag: string;
  readonly timeoutMs: number;
}

/**
 * Writes to a socket of datagrams in the file system, which Node.js cannot, through the system's `logger` (util-linux): a
 * message a line of its input. A line counts as written when that process has taken it; what becomes of the datagram nobody
 * is told. One that ends is started again with the next line.
 */
export function createLoggerWriter({ path, facility, tag, timeoutMs }: LoggerOptions): LineWriter {
  let child: ChildProcess | undefined;

  function start(): ChildProcess {
    const started = spawn("logger", ["--socket", path, "--priority", `${facility}.info`, "--tag", tag, `--id=${process.pid}`, "--size", String(MAX_BYTES)], { stdio: ["pipe", "ignore", "ignore"], env: { PATH: process.env["PATH"], LC_ALL: "C" } });
    const gone = () => {
      if (child === started) child = undefined;
    };
    started.on("error", gone).on("exit", gone);
    started.stdin!.on("error", gone);
    return started;
  }

  async function stop(): Promise<void> {
    const before = child;
    child = undefined;
    if (!before || before.exitCode !== null) return;
    await new Promise<void>((resolve) => {
      before.once("exit", () => resolve());
      before.stdin!.end();
    });
  }

  const { write, step } = createLineQueue((lines) => {
    const used = (child ??= start());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(Object.assign(new Error("logger took too long"), { code: "ETIMEDOUT" })), timeoutMs);
      const failed = (error: Error) => {
        clearTimeout(timer);
        reject(error);
      };
      used.once("error", failed);
      used.stdin!.write(lines, (error) => {
        used.off("error", failed);
        clearTimeout(timer);
        if (error) reject(error);
        else resolve();
      });
    });
  });

  return {
    write: (line) => (Buffer.byteLength(line) > MAX_BYTES ? Promise.reject(Object.assign(new Error("the record is too long for the system's log"), { code: "EMSGSIZE" })) : write(line)),
    reopen: () => step(stop),
    close: () => step(stop),
  };
}
