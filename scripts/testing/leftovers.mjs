// What outlives the test that made it: processes, known by a mark in the environment, which children inherit (where there is no
// /proc they are not looked for), and temporary files, known by the folder they are in.
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

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

/** From here on, what this process and its children make in the system's temporary folder goes into one of its own. */
export function useOwnTemporaryFolder() {
  process.env.TMPDIR = mkdtempSync(join(tmpdir(), "coffer-tests-"));
  // As the system's: some servers run as somebody else.
  chmodSync(process.env.TMPDIR, 0o1777);
}

/** Removes it, and says what was left in it. */
export function removeTemporaryFolder() {
  const left = readdirSync(process.env.TMPDIR);
  if (left.length > 0) console.log(`left in the temporary folder by the tests, removed now: ${left.sort().join(" ")}`);
  rmSync(process.env.TMPDIR, { recursive: true, force: true });
}
