/** The vocabulary of telemetry: what a metric is, whoever asks for it in whatever format. */

export type Labels = Readonly<Record<string, string>>;

/** Which quantiles a summary gives. */
export const QUANTILES = [0.5, 0.9, 0.99] as const;

/** Many observations of one thing. */
export interface Distribution {
  /** Since the start. */
  readonly count: number;
  readonly sum: number;
  /** In the order of QUANTILES; NaN where nothing was observed. Absent where only count and sum are known. */
  readonly quantiles?: readonly number[];
  /** Of the observations since the last roll; absent where unknown. */
  readonly spread?: { readonly min: number; readonly max: number; readonly stddev: number };
}

export interface Row<Value> {
  readonly labels: Labels;
  readonly value: Value;
}

interface Naming {
  /** With dots, as in Vault's JSON: `vault.` for Vault's own metrics, `coffer.` for those that Vault has not. */
  readonly name: string;
  readonly help: string;
}

/** A metric with its values at one moment. Counters count from the start of the process. */
export type Family =
  | (Naming & { readonly kind: "gauge" | "counter"; readonly rows: readonly Row<number>[] })
  | (Naming & { readonly kind: "summary"; readonly rows: readonly Row<Distribution>[] });

/** A row of the tables: a metric and how its value is found in a poll. Undefined: not known on this node now. */
export type Metric<Poll> =
  | (Naming & { readonly kind: "gauge" | "counter"; readonly read: (poll: Poll) => number | boolean | readonly Row<number>[] | undefined })
  | (Naming & { readonly kind: "summary"; readonly read: (poll: Poll) => Distribution | readonly Row<Distribution>[] | undefined });

export function readMetric<Poll>(metric: Metric<Poll>, poll: Poll): Family {
  const { name, help, kind } = metric;
  if (kind === "summary") {
    const value = metric.read(poll);
    if (value === undefined) return { name, help, kind, rows: [] };
    return { name, help, kind, rows: "count" in value ? [{ labels: {}, value }] : value };
  }
  const value = metric.read(poll);
  if (value === undefined) return { name, help, kind, rows: [] };
  if (typeof value === "object") return { name, help, kind, rows: value };
  return { name, help, kind, rows: [{ labels: {}, value: Number(value) }] };
}
