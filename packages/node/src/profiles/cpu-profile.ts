import type { Profiler } from "node:inspector";
import { inspected, pause } from "./inspected.js";
import { frameOf } from "./profile.js";
import type { Frame, Profile, Sample } from "./profile.js";

const NS_PER_US = 1000;
/** V8's default. */
const INTERVAL_NS = 1_000_000;
const ROOT = "(root)";
/** Time in which the thread did nothing is none of the processor's. */
const IDLE = "(idle)";

/** What this thread did in the next seconds, as V8 writes it: names and places of functions, never what they work on. */
export function cpuProfile(seconds: number): Promise<Profiler.Profile> {
  return inspected("CPU profile", async (session) => {
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
    await pause(seconds);
    return (await session.post("Profiler.stop")).profile;
  });
}

/** The same with Go's sample types. A sample lasts until the next one. `timeMs` is when it began. */
export function fromCpuProfile({ nodes, samples = [], timeDeltas = [], startTime, endTime }: Profiler.Profile, timeMs: number): Profile {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  function stackOf(id: number): readonly Frame[] {
    const stack: Frame[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const { callFrame } = byId.get(at)!;
      if (callFrame.functionName !== ROOT) stack.push(frameOf(callFrame));
    }
    return stack;
  }
  const taken = new Map<number, { count: number; us: number }>();
  let at = startTime;
  samples.forEach((id, i) => {
    at += timeDeltas[i] ?? 0;
    const lasted = timeDeltas[i + 1] ?? endTime - at;
    const sum = taken.get(id) ?? { count: 0, us: 0 };
    taken.set(id, { count: sum.count + 1, us: sum.us + Math.max(0, lasted) });
  });
  const isWork = (id: number) => ![ROOT, IDLE].includes(byId.get(id)?.callFrame.functionName ?? ROOT);
  const worked: Sample[] = [...taken].filter(([id]) => isWork(id)).map(([id, { count, us }]) => ({ stack: stackOf(id), values: [count, us * NS_PER_US] }));
  return {
    types: [{ type: "samples", unit: "count" }, { type: "cpu", unit: "nanoseconds" }],
    samples: worked, timeMs, durationMs: (endTime - startTime) / 1000, period: { type: "cpu", unit: "nanoseconds", amount: INTERVAL_NS },
  };
}
