import assert from "node:assert/strict";
import test from "node:test";
import type { TestContext } from "node:test";
import { memoryLogger } from "../http/testing/echo-application.js";
import { startActiveDuties } from "./active-duties.js";

const turns = async () => {
  for (let i = 0; i < 50; i++) await Promise.resolve();
};

/** Duties of which the test owns the time, the leadership and the outcome. */
async function setUp(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const world = {
    term: undefined as number | undefined,
    activate: async () => undefined as void,
    autopilot: async () => undefined as void,
    step: async () => false,
    done: [] as string[],
  };
  const logger = memoryLogger();
  const note = <T>(what: string, work: () => Promise<T>) => () => {
    world.done.push(what);
    return work();
  };
  const duties = startActiveDuties({
    reign: () => (world.term === undefined ? undefined : String(world.term)),
    onActivation: note("activate", () => world.activate()),
    expiration: { step: note("expire", () => world.step()) },
    activity: { step: () => Promise.resolve(false) },
    autopilot: note("autopilot", () => world.autopilot()),
    logger,
  });
  t.after(() => duties.stop());
  await turns();
  return {
    world, duties, logger,
    take: () => world.done.splice(0),
    async pass(milliseconds: number) {
      t.mock.timers.tick(milliseconds);
      await turns();
    },
  };
}

test("a standby does nothing; who comes to lead is woken, and activates once a term", async (t) => {
  const { world, duties, take, pass } = await setUp(t);
  await pass(5000);
  assert.deepEqual(take(), []);
  world.term = 4;
  duties.wake();
  await turns();
  assert.deepEqual(take(), ["activate", "autopilot", "expire"]);
  await pass(1000);
  assert.deepEqual(take(), ["autopilot", "expire"]);
  // Lost and won again between two looks.
  world.term = 6;
  await pass(1000);
  assert.deepEqual(take(), ["activate", "autopilot", "expire"]);
  world.term = undefined;
  await pass(1000);
  world.term = 6;
  await pass(1000);
  assert.deepEqual(take(), ["activate", "autopilot", "expire"]);
});

test("while activation fails nothing else is done, and it is tried again", async (t) => {
  const { world, take, pass, logger, duties } = await setUp(t);
  world.term = 1;
  world.activate = () => Promise.reject(new Error("audit device is full"));
  duties.wake();
  await turns();
  await pass(1000);
  assert.deepEqual(take().filter((what) => what !== "activate"), []);
  assert.match(logger.lines[0]!, /becoming active failed.*audit device is full/);
  world.activate = async () => undefined;
  await pass(1000);
  assert.deepEqual(take(), ["activate", "autopilot", "expire"]);
});

test("a server that takes long to catch up holds up neither expiry nor the end", async (t) => {
  const { world, take, pass, duties } = await setUp(t);
  world.term = 1;
  world.autopilot = () => new Promise(() => undefined);
  duties.wake();
  await turns();
  await pass(1000);
  assert.deepEqual(take().filter((what) => what === "expire").length, 2);
  await duties.stop();
});

test("with more due than one step there is only a breath between the steps", async (t) => {
  const { world, take, pass, duties } = await setUp(t);
  world.term = 1;
  world.step = async () => true;
  duties.wake();
  await turns();
  take();
  for (let i = 0; i < 10; i++) await pass(5);
  assert.equal(take().filter((what) => what === "expire").length, 10);
});

test("woken during a round it looks once more; two rounds never overlap", async (t) => {
  const { world, take, duties } = await setUp(t);
  world.term = 1;
  let finish = (): void => undefined;
  world.step = () => new Promise((resolve) => (finish = () => resolve(false)));
  duties.wake();
  await turns();
  duties.wake();
  duties.wake();
  await turns();
  assert.equal(take().filter((what) => what === "expire").length, 1);
  for (let i = 0; i < 3; i++) {
    finish();
    await turns();
  }
  assert.equal(take().filter((what) => what === "expire").length, 1);
});

test("stopped, it finishes the round under way and begins no other", async (t) => {
  const { world, take, pass, duties, logger } = await setUp(t);
  world.term = 1;
  let fail = (): void => undefined;
  world.step = () => new Promise((_, reject) => (fail = () => reject(new Error("the store is closed"))));
  duties.wake();
  await turns();
  take();
  const stopping = duties.stop();
  duties.wake();
  fail();
  await stopping;
  duties.wake();
  await pass(5000);
  assert.deepEqual([take(), logger.lines], [[], []]);
});
