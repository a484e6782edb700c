import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const COFFER = fileURLToPath(new URL("../../../packages/cli/bin/coffer.js", import.meta.url));
/** Preloaded into each node: SIGUSR2 keeps its request thread busy, as a huge request would. */
const STALL = new URL("./stall-on-signal.js", import.meta.url).href;
/** And this: SIGURG moves its wall clock. */
const CLOCK = new URL("./clock-on-signal.js", import.meta.url).href;
/** And this: its connections to other nodes take the lines that a test can cut, where it has such. */
const LINE = new URL("./line-on-connect.js", import.meta.url).href;

export interface NodePlan {
  readonly id: string;
  /** URL of the API. */
  readonly address: string;
  readonly clusterAddress: string;
  readonly folder: string;
  /** Command and arguments in front of the node's own: where it runs. */
  readonly inside?: readonly string[];
}

/** One server process, with its own folder as working directory, which may be killed and started again on the same data. */
export interface NodeProcess extends NodePlan {
  /** `flags`: of `coffer server`, beside its configuration. */
  start(flags?: readonly string[]): void;
  /** Resolves with the exit code, or the signal's name, once the process is gone. */
  end(signal: NodeJS.Signals): Promise<number | string>;
  signal(signal: NodeJS.Signals): void;
  /** Empties its data folder, while it does not run. */
  wipe(): void;
  readonly pid: () => number;
  readonly isRunning: () => boolean;
  log(): string;
}

export function createNodeProcess(plan: NodePlan, configuration: string): NodeProcess {
  mkdirSync(join(plan.folder, "data"), { recursive: true, mode: 0o700 });
  const configFile = join(plan.folder, "coffer.hcl");
  const logFile = join(plan.folder, "node.log");
  writeFileSync(configFile, configuration);
  let child: ChildProcess | undefined;
  const running = () => child !== undefined && child.exitCode === null && child.signalCode === null;
  return {
    ...plan,
    start(flags = []) {
      if (running()) throw new Error(`${plan.id} is running`);
      const log = openSync(logFile, "a");
      const [command, ...args] = [...(plan.inside ?? []), process.execPath, `--import=${STALL}`, `--import=${CLOCK}`, `--import=${LINE}`, COFFER, "server", `-config=${configFile}`, ...flags];
      child = spawn(command!, args, { cwd: plan.folder, stdio: ["ignore", log, log] });
    },
    async end(signal) {
      if (!child || !running()) throw new Error(`${plan.id} is not running`);
      const gone = once(child, "exit") as Promise<[number | null, string | null]>;
      child.kill(signal);
      const [code, by] = await gone;
      return code ?? by!;
    },
    wipe() {
      rmSync(join(plan.folder, "data"), { recursive: true });
      mkdirSync(join(plan.folder, "data"), { mode: 0o700 });
    },
    signal: (signal) => void child?.kill(signal),
    pid: () => child!.pid!,
    isRunning: running,
    log: () => readFileSync(logFile, "utf8"),
  };
}
