import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { QUANTILES } from "./metric.js";
import { createTimings, scaled } from "./timings.js";

const HOUR = 3_600_000;

function assertNear(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= expected * 0.01 + 0.001, `${actual} is not ${expected}`);
}

describe("timings", () => {
  it("give quantiles, count and sum of what they were told", () => {
    const timings = createTimings(HOUR, 0);
    for (let i = 1; i <= 1000; i++) timings.record(i / 10);
    const { count, sum, quantiles } = timings.read();
    assert.equal(count, 1000);
    assertNear(sum, 50_050);
    quantiles!.forEach((value, i) => assertNear(value, QUANTILES[i]! * 100));
  });

  it("give the quantiles of any observations, to one percent and a microsecond", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 3_000_000, noNaN: true }), { minLength: 1, maxLength: 300 }), (observed) => {
        const timings = createTimings(HOUR, 0);
        observed.forEach((milliseconds) => timings.record(milliseconds));
        const sorted = observed.toSorted((a, b) => a - b);
        timings.read().quantiles!.forEach((value, i) => {
          const rank = Math.ceil(QUANTILES[i]! * sorted.length);
          // Ranks that are whole numbers but for floating point may be met on either side.
          const [low, high] = [sorted[Math.max(0, rank - 2)]!, sorted[Math.min(sorted.length - 1, rank)]!];
          assert.ok(value >= low * 0.99 - 0.001 && value <= high * 1.01 + 0.001, `${value} is not within ${low} and ${high}`);
        });
      }),
      { numRuns: 100 },
    );
  });

  it("have no quantiles before the first observation", () => {
    assert.deepEqual(createTimings(HOUR, 0).read(), { count: 0, sum: 0, quantiles: [NaN, NaN, NaN], spread: { min: 0, max: 0, stddev: 0 } });
  });

  it("ignore what is no number of milliseconds, and count what is longer than they can tell apart", () => {
    const timings = createTimings(HOUR, 0);
    for (const bad of [NaN, -1, Infinity]) timings.record(bad);
    assert.equal(timings.read().count, 0);
    timings.record(1e9);
    assert.equal(timings.read().count, 1);
    assert.equal(timings.read().sum, 1e9);
    assertNear(timings.read().quantiles![0]!, HOUR);
  });

  it("forget observations that are older than the window, and keep count and sum", () => {
    const timings = createTimings(HOUR, 0);
    timings.record(1000);
    timings.roll(HOUR / 2);
    timings.record(1);
    assertNear(timings.read().quantiles![2]!, 1000);
    timings.roll(HOUR);
    assertNear(timings.read().quantiles![2]!, 1);
    timings.roll(10 * HOUR);
    assert.deepEqual(timings.read().quantiles, [NaN, NaN, NaN]);
    assert.equal(timings.read().count, 2);
    assert.equal(timings.read().sum, 1001);
  });

  it("give the spread since the last roll", () => {
    const timings = createTimings(HOUR, 0);
    timings.record(100);
    timings.roll(1);
    for (const milliseconds of [2, 4, 4, 4, 5, 5, 7, 9]) timings.record(milliseconds);
    const { min, max, stddev } = timings.read().spread!;
    assert.deepEqual([min, max], [2, 9]);
    assertNear(stddev, Math.sqrt(32 / 7));
  });

  it("can be told in another unit", () => {
    const timings = createTimings(HOUR, 0);
    timings.record(2);
    const { count, sum, quantiles, spread } = scaled(timings.read(), 1e6);
    assert.equal(count, 1);
    assert.equal(sum, 2e6);
    assertNear(quantiles![0]!, 2e6);
    assert.equal(spread!.max, 2e6);
    assert.deepEqual(scaled({ count: 1, sum: 3 }, 10), { count: 1, sum: 30 });
  });
});
