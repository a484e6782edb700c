import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonCodec } from "../framework/index.js";
import type { Evaluated } from "../store/index.js";
import { createRig } from "../testing/rig.js";
import { createGather } from "./gather.js";

const codec = jsonCodec<number>();
const settle = async () => {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
};

/** The real store; time, and when a commit goes on, are the test's. */
async function setUp() {
  const { store } = await createRig();
  const world = { now: 0, requests: 0, commitMs: 3, rests: [] as number[], sizes: [] as number[] };
  let wake: (() => void) | undefined;
  let held: Promise<void> | undefined;
  const gather = createGather({
    commit: async (evaluated) => {
      world.sizes.push((evaluated.writeSet?.puts.length ?? 0) + (evaluated.writeSet?.deletes.length ?? 0));
      await held;
      world.now += world.commitMs;
      return store.commit(evaluated);
    },
    requests: () => world.requests,
    pace: { now: () => world.now, pause: (milliseconds) => (world.rests.push(milliseconds), new Promise((resolve) => (wake = resolve))) },
  });
  const increment = (key: string): Evaluated<unknown> => store.evaluate((tx) => tx.put(key, codec, (tx.get(key, codec) ?? 0) + 1));
  const read = (key: string) => store.evaluate((tx) => tx.get(key, codec)).value;
  /** The first commit is under way, and does not end, until what is returned is called. */
  const hold = () => {
    let release = (): void => undefined;
    held = new Promise((resolve) => (release = resolve));
    return () => ((held = undefined), release());
  };
  return { store, world, gather, increment, read, hold, wake: () => wake?.() };
}

test("what comes while a write set is under way is the next one, all of it", async () => {
  const { world, gather, increment, read, hold } = await setUp();
  const release = hold();
  const done = ["a", "b", "c", "d"].map((key) => gather(increment(`test/${key}`), 1));
  await settle();
  release();
  assert.deepEqual((await Promise.all(done)).map(({ outcome }) => outcome), ["applied", "applied", "applied", "applied"]);
  assert.deepEqual([world.sizes, world.rests], [[1, 3], []]);
  assert.deepEqual(["a", "b", "c", "d"].map((key) => read(`test/${key}`)), [1, 1, 1, 1]);
});

test("while clients ask each write set is followed by four times what it took; without them by nothing", async () => {
  const { world, gather, increment, wake } = await setUp();
  world.requests = 7;
  await gather(increment("test/a"), 1);
  const next = gather(increment("test/b"), 1);
  await settle();
  assert.deepEqual([world.sizes, world.rests], [[1], [12]], "it rests, and what comes meanwhile waits");
  world.commitMs = 50;
  world.requests = 8;
  wake();
  await next;
  await settle();
  assert.deepEqual(world.rests, [12, 200], "a log that is slow, or busy, is left alone for longer");
  wake();
  await settle();
  await gather(increment("test/c"), 1);
  const last = gather(increment("test/d"), 1);
  await last;
  assert.deepEqual([world.sizes, world.rests], [[1, 1, 1, 1], [12, 200]], "nobody has asked since");
});

test("a rest has bounds, is the shorter the later it is, and is none for what has waited long enough", async () => {
  for (const [commitMs, patience, rests] of [[0, 1, [5]], [5000, 1, [1000]], [10, 0.5, [20]], [10, 0, []]] as const) {
    const { world, gather, increment } = await setUp();
    Object.assign(world, { commitMs, requests: 1 });
    await gather(increment("test/a"), patience);
    await settle();
    assert.deepEqual(world.rests, rests);
  }
});

test("one that lost to a client is told so, and those beside it are done", async () => {
  const { store, world, gather, increment, read, hold } = await setUp();
  const release = hold();
  const first = gather(increment("test/first"), 1);
  const others = ["a", "b", "c"].map((key) => gather(increment(`test/${key}`), 1));
  await settle();
  await store.transact((tx) => tx.put("test/b", codec, 40));
  release();
  assert.equal((await first).outcome, "applied");
  assert.deepEqual((await Promise.all(others)).map(({ outcome }) => outcome), ["applied", "conflict", "applied"]);
  assert.deepEqual(world.sizes, [1, 3, 1, 1, 1]);
  assert.deepEqual(["a", "b", "c"].map((key) => read(`test/${key}`)), [1, 40, 1]);
});

test("what touches the same is not in one write set, and neither is more than a client's write should wait behind", async () => {
  const { store, world, gather, increment, hold } = await setUp();
  const many = (name: string, count: number): Evaluated<unknown> => store.evaluate((tx) => Array.from({ length: count }, (_, i) => tx.put(`test/${name}/${i}`, codec, i)));
  const release = hold();
  const first = gather(increment("test/first"), 1);
  const rest = [gather(increment("test/a"), 1), gather(increment("test/a"), 1), gather(many("x", 400), 1), gather(many("y", 400), 1), gather(many("z", 600), 1)];
  await settle();
  release();
  await first;
  assert.deepEqual((await Promise.all(rest)).map(({ outcome }) => outcome), ["applied", "conflict", "applied", "applied", "applied"]);
  assert.deepEqual(world.sizes, [1, 401, 401, 1, 400, 600]);
});

test("a commit that fails fails all that were in it; what writes nothing waits for nobody", async () => {
  const { store, increment } = await setUp();
  const gather = createGather({ commit: () => Promise.reject(new Error("the disk is gone")), requests: () => 0 });
  await assert.rejects(gather(increment("test/a"), 1), /the disk is gone/);
  await assert.rejects(gather(increment("test/b"), 1), /the disk is gone/);
  const nothing = createGather({ commit: store.commit, requests: () => 0 });
  assert.equal((await nothing(store.evaluate((tx) => tx.get("test/a", codec)), 1)).outcome, "applied");
});
