import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { COFFER } from "./node-process.js";

export interface Finished {
  /** The exit code, or the signal's name. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program under way. What it has printed so far can be read at any time. */
export interface RunningCommand {
  readonly process: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly finished: Promise<Finished>;
}

/** A Node program in a process of its own, killed if it takes longer than `timeoutMs`. */
export function startCommand(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}, timeoutMs = 60_000): RunningCommand {
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  child.stdout.on("data", (chunk: Buffer) => chunks.stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.stderr.push(chunk));
  const text = (name: "stdout" | "stderr") => Buffer.concat(chunks[name]).toString();
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  const finished = new Promise<Finished>((resolve) => {
    // "exit", not "close": a detached grandchild may keep a pipe open.
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      setImmediate(() => resolve({ code: code ?? signal!, stdout: text("stdout"), stderr: text("stderr") }));
    });
  });
  return { process: child, stdout: () => text("stdout"), stderr: () => text("stderr"), finished };
}

/** The shipped `coffer`, with these variables in place of whatever the environment says. */
export function coffer(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Finished> {
  return startCommand(COFFER, args, env).finished;
}
