import assert from "node:assert/strict";
import test from "node:test";
import { RequestError } from "@coffer/state-machine";
import { memoryLogger } from "../http/testing/echo-application.js";
import { createAutoUnseal } from "./auto-unseal.js";

const turns = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

test("it tries again later and later while a seal is away, says why, and stops once it works", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let [isSealed, isAway, attempts] = [true, true, 0];
  const logger = memoryLogger();
  const unsealing = createAutoUnseal({
    logger,
    isDue: () => isSealed,
    attempt: async () => {
      attempts++;
      if (isAway) throw new RequestError("upstream_failed", "KMS is away");
      isSealed = false;
    },
  });
  t.after(() => unsealing.stop());
  await unsealing.wake();
  assert.deepEqual([attempts, unsealing.problem()], [1, "KMS is away"]);
  for (const [pauseMs, count] of [[1000, 2], [2000, 3], [4000, 4], [8000, 5], [16_000, 6], [30_000, 7], [30_000, 8]] as const) {
    t.mock.timers.tick(pauseMs - 1);
    await turns();
    assert.equal(attempts, count - 1);
    t.mock.timers.tick(1);
    await turns();
    assert.equal(attempts, count);
  }
  assert.match(logger.lines[0]!, /KMS is away/);
  isAway = false;
  await unsealing.wake();
  assert.deepEqual([attempts, unsealing.problem()], [9, undefined]);
  t.mock.timers.tick(60_000);
  await turns();
  assert.equal(attempts, 9);
});

test("woken during an attempt it looks once more; stopped, it tries no more", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let attempts = 0;
  let fail = (): void => undefined;
  const unsealing = createAutoUnseal({
    logger: memoryLogger(),
    isDue: () => true,
    attempt: () => {
      attempts++;
      return new Promise((_, reject) => (fail = () => reject(new Error("away"))));
    },
  });
  const woken = unsealing.wake();
  void unsealing.wake();
  void unsealing.wake();
  await turns();
  assert.equal(attempts, 1);
  fail();
  await turns();
  assert.equal(attempts, 2);
  unsealing.stop();
  fail();
  await woken;
  t.mock.timers.tick(60_000);
  await turns();
  assert.equal(attempts, 2);
});
