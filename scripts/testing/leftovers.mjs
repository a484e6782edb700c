// Processes that outlive the test that started them. They are known by a mark in the environment, which children inherit; where
// there is no /proc they are not looked for.
import { readFileSync, readdirSync } from "node:fs";

const NAME = "COFFER_TEST_RUN";

/** From here on, what this process starts can be found by `leftovers`. */
export function markChildren() {
  process.env[NAME] = `${process.pid}-${Date.now()}`;
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Gone meanwhile, or somebody else's.
    return "";
  }
}

/** [{pid, command}] of this run, without this process. */
export function leftovers() {
  const mark = `${NAME}=${process.env[NAME]}`;
  const pids = read("/proc/self/stat") === "" ? [] : readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number);
  return pids
    .filter((pid) => pid !== process.pid && read(`/proc/${pid}/environ`).split("\0").includes(mark))
    .map((pid) => ({ pid, command: read(`/proc/${pid}/cmdline`).split("\0").join(" ").trim() }));
}

/** Ends them and says which they were. */
export function endLeftovers() {
  for (const { pid, command } of leftovers()) {
    console.log(`left running by the tests, ended now: ${pid} ${command}`);
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
}
