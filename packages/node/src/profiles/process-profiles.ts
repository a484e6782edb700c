import { readdir, readFile } from "node:fs/promises";
import { countsProfile } from "./profile.js";
import type { Profile } from "./profile.js";

const TASKS = "/proc/self/task";

function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** What this process is waiting for, by kind: where Go has a goroutine that waits, Node has a resource. */
export function waiting(): Profile {
  return countsProfile([{ type: "goroutine", unit: "count" }], tally(process.getActiveResourcesInfo()));
}

/** The threads of this process by their names. Only Linux tells. */
export async function threads(): Promise<Profile> {
  const ids = await readdir(TASKS).catch(() => []);
  const names = await Promise.all(ids.map((id) => readFile(`${TASKS}/${id}/comm`, "utf8").then((name) => [name.trim()], () => []))); // it may have ended
  return countsProfile([{ type: "threadcreate", unit: "count" }], tally(names.flat()));
}

/** Threads of JavaScript do not wait for locks, so there is nothing to tell: what a Go process answers that does not count its waits. */
export function contention(): Profile {
  return { types: [{ type: "contentions", unit: "count" }, { type: "delay", unit: "nanoseconds" }], samples: [], timeMs: Date.now(), durationMs: 0 };
}
