import { Counter, Gauge, Registry, Summary } from "prom-client";
import { QUANTILES } from "./metric.js";
import type { Distribution, Family, Labels, Row } from "./metric.js";

/** Prometheus' text format, without metrics that have no value. `everywhere`: labels that every row gets. */
export function expositionOf(families: readonly Family[], everywhere: Labels): Promise<string> {
  const registry = new Registry();
  registry.setDefaultLabels(everywhere);
  for (const family of families) {
    if (family.rows.length === 0) continue;
    const name = family.name.replace(/\W/g, "_");
    const labelNames = [...new Set(family.rows.flatMap(({ labels }) => Object.keys(labels)))];
    const base = { name, help: family.help, labelNames, registers: [registry] };
    if (family.kind === "summary") addSummary(base, family.rows);
    else if (family.kind === "gauge") {
      const gauge = new Gauge(base);
      for (const { labels, value } of family.rows) gauge.set(labels, value);
    } else {
      const counter = new Counter(base);
      for (const { labels, value } of family.rows) counter.inc(labels, value);
    }
  }
  return registry.metrics();
}

/** prom-client's summary wants every observation; ours are counted already. */
function addSummary(base: { readonly name: string; readonly help: string; readonly labelNames: string[]; readonly registers: Registry[] }, rows: readonly Row<Distribution>[]): void {
  const { name, help } = base;
  const summary = new Summary({ ...base, percentiles: [...QUANTILES] });
  const values = rows.flatMap(({ labels, value: { count, sum, quantiles } }) => [
    ...(quantiles ?? []).map((value, i) => ({ labels: { ...labels, quantile: QUANTILES[i]! }, value })),
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]);
  // The type of a metric is an enum that exists at compile time only: prom-client's own value is reused.
  const get = summary.get.bind(summary);
  summary.get = async () => ({ ...(await get()), help, values });
}
