import { spawn } from "node:child_process";

export interface Ran {
  readonly code: number;
  /** stdout and stderr, as a terminal shows them. */
  readonly output: string;
}

/** One bash, so that variables and folders last from command to command. */
export interface Shell {
  /** Rejects if bash ends, or does not come back within `timeoutMs`. */
  run(command: string): Promise<Ran>;
  end(): void;
}

const MARK = "\u001e";
const END = new RegExp(`\n${MARK}(\\d+)${MARK}\n$`);

export function openShell(folder: string, env: Readonly<Record<string, string>>, timeoutMs: number): Shell {
  const child = spawn("bash", ["-o", "pipefail", "-s"], { cwd: folder, env, stdio: ["pipe", "pipe", "pipe"], detached: true });
  let output = "";
  let wake: () => void = () => undefined;
  let isOver = false;
  const onData = (chunk: string) => {
    output += chunk;
    wake();
  };
  child.stdout.setEncoding("utf8").on("data", onData);
  child.stderr.setEncoding("utf8").on("data", onData);
  child.on("close", () => {
    isOver = true;
    wake();
  });
  const end = () => {
    // The whole group: a command that hangs is not bash itself.
    if (!isOver) process.kill(-child.pid!, "SIGKILL");
  };
  return {
    async run(command) {
      output = "";
      const timer = setTimeout(end, timeoutMs);
      child.stdin.write(`{\n${command}\n} </dev/null 2>&1; printf '\\n${MARK}%d${MARK}\\n' $?\n`);
      while (!isOver && !END.test(output)) await new Promise<void>((resolve) => (wake = resolve));
      clearTimeout(timer);
      const found = END.exec(output);
      if (!found) throw new Error(`the shell ended at: ${command}\n${output}`);
      return { code: Number(found[1]), output: output.slice(0, found.index) };
    },
    end,
  };
}
