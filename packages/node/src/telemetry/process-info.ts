import { Session } from "node:inspector/promises";
import { getHeapSpaceStatistics, getHeapStatistics } from "node:v8";
import { RequestError } from "@coffer/state-machine";

let isProfiling = false;

/** A CPU profile of this thread: names and places of functions, never what they work on. Throws RequestError 400 while one is being taken. */
export async function cpuProfile(seconds: number): Promise<string> {
  if (isProfiling) throw new RequestError("invalid_request", "a CPU profile is being taken already");
  isProfiling = true;
  const session = new Session();
  try {
    session.connect();
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
    await new Promise((wake) => setTimeout(wake, seconds * 1000).unref());
    return JSON.stringify((await session.post("Profiler.stop")).profile);
  } finally {
    session.disconnect();
    isProfiling = false;
  }
}

export function processInfo(kind: "heap" | "goroutine"): Readonly<Record<string, unknown>> {
  if (kind === "heap") return { memory: process.memoryUsage(), heap: getHeapStatistics(), spaces: getHeapSpaceStatistics() };
  const active: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) active[name] = (active[name] ?? 0) + 1;
  return { active_resources: active };
}
