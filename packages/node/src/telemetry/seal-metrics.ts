import type { Metric } from "./metric.js";
import type { Poll } from "./poll.js";
import type { SealCalls } from "./types.js";

const CALLS = ["encrypt", "decrypt"] as const;

const rows = (poll: Poll, call: (typeof CALLS)[number], value: (calls: SealCalls) => number) =>
  poll.seals.length === 0 ? undefined : poll.seals.map((seal) => ({ labels: { seal: seal.name }, value: value(seal[call]) }));

const callMetrics = (call: (typeof CALLS)[number]): readonly Metric<Poll>[] => [
  { name: `vault.seal.${call}`, kind: "counter", help: `Times a seal was asked to ${call}`, read: (poll) => rows(poll, call, ({ count }) => count) },
  { name: `vault.seal.${call}.error`, kind: "counter", help: `Times a seal failed to ${call}`, read: (poll) => rows(poll, call, ({ errors }) => errors) },
  { name: `vault.seal.${call}.time`, kind: "counter", help: `Milliseconds spent waiting for a seal to ${call}`, read: (poll) => rows(poll, call, ({ milliseconds }) => milliseconds) },
];

/** The auto seals, by their names. */
export const SEAL_METRICS: readonly Metric<Poll>[] = [
  ...CALLS.flatMap(callMetrics),
  { name: "coffer.seal.healthy", kind: "gauge", help: "1 if the seal could be used when this node last tried, else 0", read: ({ seals }) => (seals.length === 0 ? undefined : seals.map(({ name, healthy }) => ({ labels: { seal: name }, value: Number(healthy) }))) },
];
