import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { jsonCodec } from "../framework/storage.js";
import { createMemoryLog } from "./memory-log.js";
import type { Leadership, ProposeOutcome, ReplicatedLog } from "./replicated-log.js";
import { createStore } from "./store.js";
import type { StoreTransaction } from "./transaction.js";

const count = jsonCodec<number>();
const sealer = { encrypt: (_key: string, bytes: Uint8Array) => bytes, decrypt: (_key: string, sealed: Uint8Array) => sealed };

/** A store on a log whose leadership is the test's, and which says what was proposed. */
async function watchedStore() {
  const { log: memory, reader } = await createMemoryLog();
  const world = { leadership: memory.leadership(), proposals: 0, propose: (entry: Uint8Array, term: number): Promise<ProposeOutcome> => memory.propose(entry, term) };
  const log: ReplicatedLog = {
    ...memory,
    leadership: (): Leadership => world.leadership,
    propose(entry, term) {
      world.proposals += 1;
      return world.propose(entry, term);
    },
  };
  return { world, log, store: createStore({ log, reader, barrier: sealer }) };
}

const increment = (key: string) => (tx: StoreTransaction) => tx.put(key, count, (tx.get(key, count) ?? 0) + 1);

test("of two that read and write the same key at once, the later is never proposed, and hears of it when it may try again", async () => {
  const { world, store } = await watchedStore();
  const [first, second] = [store.evaluate(increment("n")), store.evaluate(increment("n"))];
  const outcomes = await Promise.all([store.commit(first), store.commit(second)]);
  assert.deepEqual(outcomes, [{ outcome: "applied", index: 1 }, { outcome: "conflict", index: 1 }]);
  assert.equal(world.proposals, 1);
  const again = store.evaluate(increment("n"));
  assert.equal((await store.commit(again)).outcome, "applied");
  assert.equal(store.evaluate((tx) => tx.get("n", count)).value, 2);
});

test("what was read and has changed since is a conflict, also where it was absent and is absent again", async () => {
  const { store } = await watchedStore();
  const stale = store.evaluate(increment("n"));
  await store.transact(increment("n"));
  assert.equal((await store.commit(stale)).outcome, "conflict");
  const present = store.evaluate(increment("n"));
  await store.transact((tx) => tx.delete("n"));
  assert.equal((await store.commit(present)).outcome, "conflict");
  const blind = store.evaluate((tx) => tx.put("n", count, 7));
  await store.transact(increment("n"));
  assert.equal((await store.commit(blind)).outcome, "applied", "who reads nothing conflicts with nobody");
});

test("a key is free again after a proposal that came to nothing", async () => {
  const { world, store } = await watchedStore();
  const whole = world.propose;
  for (const outcome of ["overloaded", "not-leader", "unknown"] as const) {
    world.propose = async () => ({ outcome });
    assert.equal((await store.commit(store.evaluate(increment("n")))).outcome, outcome);
    world.propose = whole;
    assert.equal((await store.commit(store.evaluate(increment("n")))).outcome, "applied");
  }
});

test("who does not lead proposes nothing", async () => {
  const { world, store } = await watchedStore();
  const evaluated = store.evaluate(increment("n"));
  world.leadership = { isLeader: false, leaderId: "other", term: 2 };
  assert.deepEqual(await store.commit(evaluated), { outcome: "not-leader" });
  assert.equal(world.proposals, 0);
});

test("transactions that run side by side add up", async () => {
  const key = fc.constantFrom("a", "b", "c");
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ from: key, to: key, pauses: fc.nat(3) }), { maxLength: 30 }), async (transfers) => {
      const { store } = await watchedStore();
      await store.transact((tx) => ["a", "b", "c"].forEach((name) => tx.put(name, count, 100)));
      const move = ({ from, to, pauses }: (typeof transfers)[number]) => async (tx: StoreTransaction) => {
        const left = tx.get(from, count)! - 1;
        tx.put(from, count, left);
        for (let i = 0; i < pauses; i++) await new Promise((wake) => setImmediate(wake));
        tx.put(to, count, tx.get(to, count)! + 1);
        // What nobody may see, or the sum would not be kept.
        const sum = ["a", "b", "c"].reduce((total, name) => total + tx.get(name, count)!, 0);
        assert.equal(sum, 300);
      };
      const done = await Promise.all(transfers.map((transfer) => store.transact(move(transfer), { attempts: 100 })));
      assert.ok(done.every(({ outcome }) => outcome.outcome === "applied"));
      assert.equal(store.evaluate((tx) => ["a", "b", "c"].reduce((total, name) => total + tx.get(name, count)!, 0)).value, 300);
    }),
    { numRuns: 60 },
  );
});
