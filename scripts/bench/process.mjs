import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const MIB_IN_KIB = 1024;
/** Of processor time in /proc: a hundredth of a second on every Linux (proc(5), sysconf(_SC_CLK_TCK)). */
const TICK_MS = 10;

/** Resident memory of a process, in MiB. `anonymous`: what is no page of a file, which the kernel drops when it needs the room; undefined where it cannot be told. */
export function memoryOf(pid) {
  const status = `/proc/${pid}/status`;
  if (!existsSync(status)) return { resident: Number(spawnSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" }).stdout) / MIB_IN_KIB };
  const text = readFileSync(status, "utf8");
  const of = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)[1]) / MIB_IN_KIB;
  return { resident: of("VmRSS"), anonymous: of("RssAnon") };
}

/** Processor time that all threads of a process took so far, in ms; undefined where there is no /proc. */
export function processorTimeOf(pid) {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return undefined;
  // Behind the name, which may hold anything: user time is field 14, system time 15.
  const fields = readFileSync(file, "utf8").replace(/^.*\) /s, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
