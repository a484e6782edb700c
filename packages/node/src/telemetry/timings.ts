import { createHistogram } from "node:perf_hooks";
import type { RecordableHistogram } from "node:perf_hooks";
import { QUANTILES } from "./metric.js";
import type { Distribution } from "./metric.js";

/** Observations of one thing, in milliseconds. */
export interface Timings {
  /** For the hot path: about 0.1 microseconds, no allocation. What is not a number of milliseconds is ignored. */
  record(milliseconds: number): void;
  read(): Distribution;
  /** Begins a new interval for `spread`, and lets go of observations that are older than the window. */
  roll(nowMs: number): void;
}

/** The histograms count whole microseconds up to an hour, with an error below one percent. */
const MICROSECONDS = 1000;
const HISTOGRAM = { lowest: 1, highest: 3.6e9, figures: 2 } as const;
/** Where two histograms are put together; used within one call only. */
const both = createHistogram(HISTOGRAM);

const COUNT = 0;
const SUM = 1;
const INTERVAL_COUNT = 2;
const INTERVAL_SUM = 3;
const INTERVAL_SQUARES = 4;
const INTERVAL_MIN = 5;
const INTERVAL_MAX = 6;

/**
 * Quantiles are over the last `windowMs`, or half of that: two histograms take turns. Native histograms rather than
 * prom-client's digest, which costs 0.8 to 3 microseconds an observation.
 */
export function createTimings(windowMs: number, nowMs: number): Timings {
  // Numbers in a closure would be boxed at every change.
  const numbers = new Float64Array(INTERVAL_MAX + 1);
  let current = createHistogram(HISTOGRAM);
  let previous: RecordableHistogram | undefined;
  let turnedAt = nowMs;

  function beginInterval(): void {
    numbers.fill(0, INTERVAL_COUNT);
    numbers[INTERVAL_MIN] = Infinity;
  }
  beginInterval();

  function quantiles(): readonly number[] {
    both.reset();
    both.add(current);
    if (previous) both.add(previous);
    return QUANTILES.map((quantile) => (both.count === 0 ? NaN : both.percentile(quantile * 100) / MICROSECONDS));
  }

  function spread() {
    const count = numbers[INTERVAL_COUNT]!;
    const mean = count === 0 ? 0 : numbers[INTERVAL_SUM]! / count;
    const variance = count < 2 ? 0 : (numbers[INTERVAL_SQUARES]! - count * mean * mean) / (count - 1);
    return { min: count === 0 ? 0 : numbers[INTERVAL_MIN]!, max: numbers[INTERVAL_MAX]!, stddev: Math.sqrt(Math.max(0, variance)) };
  }

  return {
    record(milliseconds) {
      if (!(milliseconds >= 0 && milliseconds < Infinity)) return;
      numbers[COUNT]! += 1;
      numbers[SUM]! += milliseconds;
      numbers[INTERVAL_COUNT]! += 1;
      numbers[INTERVAL_SUM]! += milliseconds;
      numbers[INTERVAL_SQUARES]! += milliseconds * milliseconds;
      if (milliseconds < numbers[INTERVAL_MIN]!) numbers[INTERVAL_MIN] = milliseconds;
      if (milliseconds > numbers[INTERVAL_MAX]!) numbers[INTERVAL_MAX] = milliseconds;
      current.record(Math.min(HISTOGRAM.highest, Math.max(HISTOGRAM.lowest, Math.round(milliseconds * MICROSECONDS))));
    },
    read: () => ({ count: numbers[COUNT]!, sum: numbers[SUM]!, quantiles: quantiles(), spread: spread() }),
    roll(now) {
      beginInterval();
      const age = now - turnedAt;
      if (age < windowMs / 2) return;
      previous = age < windowMs ? current : undefined;
      current = createHistogram(HISTOGRAM);
      turnedAt = now;
    },
  };
}

/** The same in another unit. */
export function scaled({ count, sum, quantiles, spread }: Distribution, factor: number): Distribution {
  return {
    count,
    sum: sum * factor,
    ...(quantiles && { quantiles: quantiles.map((value) => value * factor) }),
    ...(spread && { spread: { min: spread.min * factor, max: spread.max * factor, stddev: spread.stddev * factor } }),
  };
}
