import assert from "node:assert/strict";
import test from "node:test";
import { createLeaseClock } from "./lease-clock.js";

function clocks() {
  const at = { monotonic: 1000.4, wall: 1_700_000_000_000 };
  const now = createLeaseClock(() => at.monotonic, () => Math.floor(at.wall));
  return {
    at, now,
    pass(ms: number) {
      at.monotonic += ms;
      at.wall += ms;
    },
  };
}

test("it goes with the monotonic clock, whatever the rounding of the other", () => {
  const { now, pass } = clocks();
  const begin = now();
  for (let i = 0; i < 1000; i++) {
    pass(0.3);
    now();
  }
  assert.ok(now() - begin >= 299.9 && now() - begin < 300.1, `${now() - begin}`);
});

test("a sleep of the machine, which only the wall clock shows, counts", () => {
  const { at, now, pass } = clocks();
  const begin = now();
  at.wall += 10_000;
  assert.equal(Math.round(now() - begin), 10_000);
  pass(50);
  assert.equal(Math.round(now() - begin), 10_050);
});

test("a wall clock that is set back holds nothing up, and a sleep after it counts", () => {
  const { at, now, pass } = clocks();
  const begin = now();
  at.wall -= 3_600_000;
  pass(100);
  assert.equal(Math.round(now() - begin), 100);
  at.wall += 2000;
  assert.equal(Math.round(now() - begin), 2100);
});
