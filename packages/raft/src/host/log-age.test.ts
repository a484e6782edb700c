import assert from "node:assert/strict";
import test from "node:test";
import { createLogAge } from "./log-age.js";

test("the oldest entry is as old as its writing, within a second; what was there at the start as the process", () => {
  let time = 5000;
  const log = createLogAge(() => time);
  time += 10_000;
  assert.equal(log.ageOf(1), 10_000, "written before");
  log.written(100);
  time += 500;
  log.written(101);
  time += 1500;
  log.written(102);
  time += 4000;
  assert.equal(log.ageOf(99), 16_000);
  assert.equal(log.ageOf(100), 6000);
  assert.equal(log.ageOf(101), 6000);
  assert.equal(log.ageOf(102), 4000);
});

test("entries that take the place of others are as old as themselves", () => {
  let time = 0;
  const log = createLogAge(() => time);
  for (const index of [10, 20, 30]) {
    time += 2000;
    log.written(index);
  }
  time += 2000;
  log.written(15);
  time += 3000;
  assert.equal(log.ageOf(12), 9000);
  assert.equal(log.ageOf(15), 3000);
  assert.equal(log.ageOf(40), 3000);
});
