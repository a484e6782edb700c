import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** Where `scripts/counterparts.mjs` puts what no system package brings. */
export const CACHE = process.env["COFFER_COUNTERPARTS"] ?? join(homedir(), ".cache", "coffer-counterparts");

/** Where Debian keeps servers besides the PATH. */
const SERVER_FOLDERS = ["/usr/sbin", "/usr/local/sbin"];

/** The first of these programs that is installed, as a path; undefined: none is. */
export function findProgram(...names: readonly string[]): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...SERVER_FOLDERS];
  for (const name of names) {
    if (name.includes("/")) {
      if (existsSync(name)) return name;
      continue;
    }
    const folder = folders.find((one) => existsSync(join(one, name)));
    if (folder) return join(folder, name);
  }
  return undefined;
}

export interface ProgramOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Numeric ids: some servers refuse to run as root. */
  readonly uid?: number;
  readonly gid?: number;
  /** Asked until it is true; what it throws counts as no. */
  readonly isReady: () => Promise<boolean>;
  readonly timeoutMs?: number;
}

export interface Program {
  readonly process: ChildProcess;
  /** What it has printed so far. */
  readonly output: () => string;
  /** Ends it, and resolves when it has ended. */
  stop(): Promise<void>;
}

const READY_MS = 30_000;
const PAUSE_MS = 50;
const TERMINATION_MS = 5000;

/** Starts a server and waits until it answers. Rejects, with what it printed, if it ends before or does not answer in time. */
export async function startProgram({ command, args, env = {}, uid, gid, isReady, timeoutMs = READY_MS }: ProgramOptions): Promise<Program> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"], ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  const output = () => Buffer.concat(chunks).toString();
  let failure: Error | undefined;
  child.once("error", (error) => (failure = error));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null && !failure) {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), TERMINATION_MS);
      await ended;
      clearTimeout(timer);
    }
  };
  const end = performance.now() + timeoutMs;
  while (!(await isReady().catch(() => false))) {
    const isGone = failure !== undefined || child.exitCode !== null || child.signalCode !== null;
    if (isGone || performance.now() > end) {
      await stop();
      throw new Error(`${command} ${isGone ? "ended" : "did not answer in time"}: ${failure?.message ?? output().slice(-2000)}`);
    }
    await new Promise((wake) => setTimeout(wake, PAUSE_MS));
  }
  return { process: child, output, stop };
}
