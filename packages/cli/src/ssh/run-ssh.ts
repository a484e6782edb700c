import { spawn } from "node:child_process";
import { constants } from "node:os";
import { Failure } from "../framework/failure.js";

const IGNORED: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT"];
const SIGNAL_EXIT = 128;

/** Runs ssh on this terminal; its exit code. Throws Failure where there is no such program. */
export async function runSsh(program: string, args: readonly string[], env: Readonly<Record<string, string | undefined>>, isInteractive: boolean): Promise<number> {
  // They are for ssh, which gets them too: what was written for it is cleared away afterwards.
  const ignore = () => {};
  for (const signal of IGNORED) process.on(signal, ignore);
  try {
    return await new Promise<number>((resolve, reject) => {
      const child = spawn(program, args, { stdio: [isInteractive ? "inherit" : "ignore", "inherit", "inherit"], env });
      child.once("error", (cause) => reject(new Failure(`failed to run ssh command: ${cause.message}`, undefined, { cause })));
      child.once("close", (code, signal) => resolve(code ?? SIGNAL_EXIT + (signal ? constants.signals[signal] : 0)));
    });
  } finally {
    for (const signal of IGNORED) process.off(signal, ignore);
  }
}
