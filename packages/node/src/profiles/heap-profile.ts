import type { HeapProfiler } from "node:inspector";
import { getHeapSpaceStatistics } from "node:v8";
import { inspected, pause } from "./inspected.js";
import { countsProfile, frameOf } from "./profile.js";
import type { Frame, Profile, Sample } from "./profile.js";

/** A sample for so much that was allocated: as fine as a few seconds need it, at a cost that other requests do not feel. Bytes. */
const SAMPLING_INTERVAL = 128 * 1024;
const BYTES = "bytes";

/** How large each part of this process's memory is now: sizes, never what is in it. */
export function heapSizes(): Profile {
  const { external, arrayBuffers } = process.memoryUsage();
  const spaces = Object.fromEntries(getHeapSpaceStatistics().map(({ space_name: name, space_used_size: used }) => [`(V8 ${name})`, used]));
  return countsProfile([{ type: "inuse_space", unit: BYTES }], { ...spaces, "(array buffers)": arrayBuffers, "(other memory outside of the heap)": Math.max(0, external - arrayBuffers) });
}

/**
 * Which functions allocate memory in the next seconds: all of it for `alloc_space`, for `inuse_space` what is still in use at the end.
 * Estimated from samples, as Go does; what a function that V8 has inlined allocates is its caller's. V8 keeps no such record unless it is asked to, hence nothing from before.
 */
export async function heapSamples(type: "alloc_space" | "inuse_space", seconds: number): Promise<Profile> {
  const freedToo = type === "alloc_space";
  const timeMs = Date.now();
  const { head } = await inspected("heap profile", async (session) => {
    await session.post("HeapProfiler.enable");
    await session.post("HeapProfiler.startSampling", { samplingInterval: SAMPLING_INTERVAL, includeObjectsCollectedByMajorGC: freedToo, includeObjectsCollectedByMinorGC: freedToo });
    await pause(seconds);
    return (await session.post("HeapProfiler.stopSampling")).profile;
  });
  return { types: [{ type, unit: BYTES }], samples: flatten(head), timeMs, durationMs: Date.now() - timeMs, period: { type: "space", unit: BYTES, amount: SAMPLING_INTERVAL } };
}

/** Of the root's children on: the root is no function. */
function flatten({ children, selfSize, callFrame }: HeapProfiler.SamplingHeapProfileNode): Sample[] {
  const own = selfSize > 0 ? [{ stack: [frameOf(callFrame)], values: [selfSize] }] : [];
  return [...own, ...children.flatMap((child) => below(child, []))];
}

function below({ callFrame, selfSize, children }: HeapProfiler.SamplingHeapProfileNode, callers: readonly Frame[]): Sample[] {
  const stack = [frameOf(callFrame), ...callers];
  return [...(selfSize > 0 ? [{ stack, values: [selfSize] }] : []), ...children.flatMap((child) => below(child, stack))];
}
