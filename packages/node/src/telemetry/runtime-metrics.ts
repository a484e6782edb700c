import type { Metric } from "./metric.js";
import type { Poll } from "./poll.js";
import { scaled } from "./timings.js";

const NS_PER_MS = 1e6;

/** The process, under the names that Vault has for Go's runtime. */
export const RUNTIME_METRICS: readonly Metric<Poll>[] = [
  { name: "vault.runtime.alloc_bytes", kind: "gauge", help: "Bytes in use on the main thread's heap and beside it", read: ({ measured }) => measured.runtime.allocatedBytes },
  { name: "vault.runtime.sys_bytes", kind: "gauge", help: "Resident bytes of the process", read: ({ measured }) => measured.runtime.residentBytes },
  { name: "vault.runtime.num_goroutines", kind: "gauge", help: "There are no goroutines here: sockets, timers and calls that keep the main thread's event loop busy", read: ({ measured }) => measured.runtime.activeResources },
  { name: "vault.runtime.gc_pause_ns", kind: "summary", help: "Nanoseconds of each garbage collection on the main thread", read: ({ measured }) => scaled(measured.runtime.gc, NS_PER_MS) },
  { name: "vault.runtime.total_gc_runs", kind: "gauge", help: "Garbage collections on the main thread since the start", read: ({ measured }) => measured.runtime.gc.count },
  { name: "vault.runtime.total_gc_pause_ns", kind: "gauge", help: "Nanoseconds of them all", read: ({ measured }) => measured.runtime.gc.sum * NS_PER_MS },
  { name: "coffer.event_loop.delay", kind: "summary", help: "Milliseconds by which the main thread's event loop was late; quantiles of the last ten seconds", read: ({ measured }) => measured.runtime.eventLoopDelay },
];
