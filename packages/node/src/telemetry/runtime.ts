import { PerformanceObserver, monitorEventLoopDelay } from "node:perf_hooks";
import { QUANTILES } from "./metric.js";
import type { Distribution } from "./metric.js";
import { createTimings } from "./timings.js";

/** What the process says about itself. Of the main thread, where not stated otherwise. */
export interface Runtime {
  readonly allocatedBytes: number;
  /** Of the whole process. */
  readonly residentBytes: number;
  readonly activeResources: number;
  /** Milliseconds. */
  readonly gc: Distribution;
  /** Milliseconds by which the event loop was late; quantiles of the last interval. */
  readonly eventLoopDelay: Distribution;
}

export interface RuntimeWatch {
  read(): Runtime;
  roll(nowMs: number): void;
  stop(): void;
}

const RESOLUTION_MS = 20;
const NANOSECONDS = 1e6;

/** Watches garbage collection and the event loop from now on. */
export function watchRuntime(windowMs: number, nowMs: number): RuntimeWatch {
  const gc = createTimings(windowMs, nowMs);
  const observer = new PerformanceObserver((list) => list.getEntries().forEach((entry) => gc.record(entry.duration)));
  observer.observe({ entryTypes: ["gc"] });
  const loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  loop.enable();
  // The monitor's numbers include the time it meant to sleep.
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS);
  let before = { count: 0, sum: 0 };
  let lastInterval: readonly number[] | undefined;

  const interval = () => (loop.count === 0 ? { count: 0, sum: 0 } : { count: loop.count, sum: late(loop.mean) * loop.count });
  const quantiles = () => QUANTILES.map((quantile) => (loop.count === 0 ? NaN : late(loop.percentile(quantile * 100))));

  return {
    read() {
      const memory = process.memoryUsage();
      const { count, sum } = interval();
      return {
        allocatedBytes: memory.heapUsed + memory.external,
        residentBytes: memory.rss,
        activeResources: process.getActiveResourcesInfo().length,
        gc: gc.read(),
        eventLoopDelay: { count: before.count + count, sum: before.sum + sum, quantiles: lastInterval ?? quantiles() },
      };
    },
    roll(now) {
      gc.roll(now);
      const { count, sum } = interval();
      before = { count: before.count + count, sum: before.sum + sum };
      lastInterval = quantiles();
      loop.reset();
    },
    stop() {
      observer.disconnect();
      loop.disable();
    },
  };
}
