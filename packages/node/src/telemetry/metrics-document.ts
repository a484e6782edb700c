import type { Family, Labels } from "./metric.js";
import type { MetricsDocument, MetricsSample } from "./types.js";

/** Families at the two ends of an interval. */
export interface Interval {
  readonly beginMs: number;
  readonly endMs: number;
  readonly before: readonly Family[];
  readonly after: readonly Family[];
}

export interface DocumentNaming {
  /** Put into the names of gauges; undefined: not. */
  readonly hostname: string | undefined;
  /** Labels that every row gets. */
  readonly everywhere: Labels;
}

/** Vault's JSON: what counters and samples gained in the interval, and gauges at its end. */
export function metricsDocument({ beginMs, endMs, before, after }: Interval, { hostname, everywhere }: DocumentNaming): MetricsDocument {
  const seconds = Math.max(1, (endMs - beginMs) / 1000);
  const earlier = totals(before);
  const gauges: MetricsDocument["Gauges"][number][] = [];
  const counters: MetricsSample[] = [];
  const samples: MetricsSample[] = [];
  for (const family of after) {
    for (const [i, row] of family.rows.entries()) {
      const Labels = { ...everywhere, ...row.labels };
      if (family.kind === "gauge") {
        gauges.push({ Name: hostname === undefined ? family.name : family.name.replace(".", `.${hostname}.`), Value: family.rows[i]!.value, Labels });
        continue;
      }
      const now = total(row.value);
      const then = earlier.get(keyOf(family.name, row.labels));
      const count = now.count - (then?.count ?? 0);
      if (count <= 0) continue;
      const sum = finite(now.sum - (then?.sum ?? 0));
      const mean = sum / count;
      // Where only sums are kept, the mean stands for the extremes.
      const { min, max, stddev } = now.spread ?? { min: mean, max: mean, stddev: 0 };
      (family.kind === "counter" ? counters : samples).push({ Name: family.name, Count: count, Rate: sum / seconds, Sum: sum, Min: min, Max: max, Mean: mean, Stddev: stddev, Labels });
    }
  }
  return { Timestamp: goTime(beginMs), Gauges: gauges.sort(byName), Points: [], Counters: counters.sort(byName), Samples: samples.sort(byName) };
}

interface Total {
  readonly count: number;
  readonly sum: number;
  readonly spread?: { readonly min: number; readonly max: number; readonly stddev: number };
}

/** A counter's total is a sum of so many ones. */
function total(value: Family["rows"][number]["value"]): Total {
  return typeof value === "number" ? { count: value, sum: value } : value;
}

function totals(families: readonly Family[]): ReadonlyMap<string, Total> {
  return new Map(families.flatMap((family) => family.rows.map((row) => [keyOf(family.name, row.labels), total(row.value)] as const)));
}

function keyOf(name: string, labels: Labels): string {
  return JSON.stringify([name, labels]);
}

/** JSON has no NaN. */
function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}

function byName(a: { readonly Name: string }, b: { readonly Name: string }): number {
  return a.Name < b.Name ? -1 : Number(a.Name > b.Name);
}

/** `2024-05-01 12:00:10 +0000 UTC`. */
function goTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}
