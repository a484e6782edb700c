import type { Metric } from "./metric.js";
import type { Poll } from "./poll.js";

/** Nobody measures these: reading an entry takes a microsecond or two, mostly from a cache. */
const UNMEASURED = NaN;

/** Entries as evaluations read and write them, each counted once an evaluation; those of consensus itself do not count. */
export const BARRIER_METRICS: readonly Metric<Poll>[] = [
  { name: "vault.barrier.get", kind: "summary", help: "Entries read; the sum is NaN, since reading is not measured", read: ({ storage }) => storage && { count: storage.get, sum: UNMEASURED } },
  {
    name: "vault.barrier.put", kind: "summary", help: "Entries written, and the milliseconds until they were committed: those of a request together, in one write set",
    read: ({ storage }) => storage && { count: storage.put, sum: storage.commitMilliseconds },
  },
  { name: "vault.barrier.delete", kind: "summary", help: "Entries deleted; the time of their commit counts for vault_barrier_put", read: ({ storage }) => storage && { count: storage.delete, sum: UNMEASURED } },
  { name: "vault.barrier.list", kind: "summary", help: "Listings of keys; the sum is NaN, since listing is not measured", read: ({ storage }) => storage && { count: storage.list, sum: UNMEASURED } },
];
