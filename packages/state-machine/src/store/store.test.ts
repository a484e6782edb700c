import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RequestError } from "../errors.js";
import { jsonCodec } from "../framework/storage.js";
import type { Codec } from "../framework/storage.js";
import { compareKeys } from "./key-order.js";
import { createMemoryLog } from "./memory-log.js";
import type { AppliedBatch, ReplicatedLog } from "./replicated-log.js";
import { restoreEntries } from "./restore.js";
import { createStore } from "./store.js";
import type { Store } from "./store.js";
import type { StoreTransaction } from "./transaction.js";

const json = jsonCodec<unknown>();
/** Marks what passed through it, so that a test sees what is stored sealed. */
const sealer = { encrypt: (key: string, bytes: Uint8Array) => Buffer.concat([Buffer.from(`${key}:`), bytes]), decrypt: (key: string, sealed: Uint8Array) => sealed.subarray(Buffer.byteLength(key) + 1) };

async function memoryStore() {
  const { log, reader } = await createMemoryLog();
  return { log, reader, store: createStore({ log, reader, barrier: sealer }) };
}

const applied = async (store: Store, run: (tx: StoreTransaction) => void) => assert.equal((await store.transact(run)).outcome.outcome, "applied");

test("a transaction sees its own writes, and others see them once committed", async () => {
  const { store, reader } = await memoryStore();
  const evaluated = store.evaluate((tx) => {
    tx.put("a", json, { n: 1 });
    tx.putRaw("core/raw", Buffer.from("open"));
    tx.scoped("m/").put("b", json, 2);
    tx.put("gone", json, 1);
    tx.delete("gone");
    return [tx.get("a", json), tx.scoped("m/").get("b", json), tx.get("gone", json), tx.getRaw("core/raw")?.toString()];
  });
  assert.deepEqual(evaluated.value, [{ n: 1 }, 2, undefined, "open"]);
  assert.equal(store.evaluate((tx) => tx.get("a", json)).value, undefined);
  assert.deepEqual(await store.commit(evaluated), { outcome: "applied", index: 1 });
  const read = store.evaluate((tx) => [tx.get("a", json), tx.get("m/b", json), tx.getRaw("core/raw")?.toString()]);
  assert.deepEqual([read.value, read.index, read.writeSet], [[{ n: 1 }, 2, "open"], 1, undefined]);
  assert.deepEqual([reader.get("a")?.sealed.toString(), reader.get("core/raw")?.sealed.toString()], ['a:{"n":1}', "open"]);
});

test("a hot read decodes once, until the key is written", async () => {
  const { store } = await memoryStore();
  let decoded = 0;
  const counting: Codec<unknown> = { encode: json.encode, decode: (bytes) => (decoded++, json.decode(bytes)) };
  const read = () => store.evaluate((tx) => tx.get("k", counting)).value;
  await applied(store, (tx) => tx.put("k", counting, 1));
  assert.deepEqual([read(), read(), read(), decoded], [1, 1, 1, 1]);
  await applied(store, (tx) => tx.put("other", json, 1));
  assert.deepEqual([read(), decoded], [1, 1]);
  await applied(store, (tx) => tx.put("k", counting, 2));
  assert.deepEqual([read(), read(), decoded], [2, 2, 2]);
  await applied(store, (tx) => tx.delete("k"));
  assert.equal(read(), undefined);
});

/** A store whose database is ahead of the feed until `feed` is called, as on a node between applying and telling. */
async function laggingStore() {
  const { log, reader } = await createMemoryLog();
  const held: AppliedBatch[] = [];
  const answers: (() => void)[] = [];
  let tell: (batch: AppliedBatch) => void = () => undefined;
  const heard: (() => void)[] = [];
  log.onApplied((batch) => {
    held.push(batch);
    heard.splice(0).forEach((wake) => wake());
  });
  const propose = async (entry: Uint8Array, term: number) => {
    const outcome = await log.propose(entry, term);
    // Told of after the feed, as by every log.
    await new Promise<void>((resolve) => answers.push(resolve));
    return outcome;
  };
  const store = createStore({ reader, barrier: sealer, log: { ...log, propose, onApplied: (listener) => ((tell = listener), () => undefined) } });
  const feed = () => {
    held.splice(0).forEach((batch) => tell(batch));
    answers.splice(0).forEach((answer) => answer());
  };
  /** Resolves when the database has it, which nobody has been told of. */
  async function written(run: (tx: StoreTransaction) => void): Promise<void> {
    const isApplied = new Promise<void>((wake) => heard.push(wake));
    void store.transact(run);
    await isApplied;
  }
  return { store, feed, written };
}

const both = (tx: StoreTransaction) => [tx.get("left", json), tx.get("right", json)];
const writeBoth = (value: unknown) => (tx: StoreTransaction) => {
  for (const key of ["left", "right"]) tx.put(key, json, value);
};

test("a view is of one moment, though the database is ahead of what is cached", async () => {
  const { store, feed, written } = await laggingStore();
  await written(writeBoth(1));
  feed();
  assert.equal(store.evaluate((tx) => tx.get("left", json)).value, 1, "only this one is in the cache");
  await written(writeBoth(2));
  assert.deepEqual(store.evaluate(both).value, [2, 2]);
  feed();
  store.evaluate((tx) => tx.get("left", json));
  await written((tx) => ["left", "right"].forEach((key) => tx.delete(key)));
  assert.deepEqual(store.evaluate(both).value, [undefined, undefined]);
});

test("what is thrown over a mixed view is not believed", async () => {
  const { store, feed, written } = await laggingStore();
  await written(writeBoth(1));
  feed();
  store.evaluate((tx) => tx.get("left", json));
  await written(writeBoth(2));
  const { value } = store.evaluate((tx) => {
    const [left, right] = both(tx);
    if (left !== right) throw new Error("they differ");
    return right;
  });
  assert.equal(value, 2);
});

test("a write set from a mixed view is never proposed", async () => {
  const { store, feed, written } = await laggingStore();
  await written(writeBoth(1));
  feed();
  store.evaluate((tx) => tx.get("left", json));
  await written(writeBoth(2));
  const mixed = store.evaluate((tx) => {
    const values = both(tx);
    tx.put("sum", json, values);
    return values;
  });
  assert.deepEqual(mixed.value, [1, 2], "such a view is what this is about");
  const committing = store.commit(mixed);
  feed();
  assert.deepEqual(await committing, { outcome: "conflict", index: 2 });
  assert.equal(store.evaluate((tx) => tx.get("sum", json)).value, undefined);
});

test("that a key is absent is looked up once, until it is written", async () => {
  const { log, reader } = await createMemoryLog();
  let looks = 0;
  const store = createStore({ log, barrier: sealer, reader: { ...reader, peek: (key) => (looks++, reader.peek(key)) } });
  const read = () => store.evaluate((tx) => tx.get("none", json)).value;
  assert.deepEqual([read(), read(), read(), looks], [undefined, undefined, undefined, 1]);
  await applied(store, (tx) => tx.put("none", json, 1));
  assert.deepEqual([read(), read(), looks], [1, 1, 2]);
});

test("writes look once for a key that is absent, and one that is there again is seen", async () => {
  const { log, reader } = await createMemoryLog();
  const looks: string[] = [];
  const store = createStore({ log, barrier: sealer, reader: { ...reader, peek: (key) => (looks.push(key), reader.peek(key)) } });
  const write = (n: number) => applied(store, (tx) => tx.put("sum", json, [n, tx.get("none", json) ?? null]));
  const isLooked = () => looks.filter((key) => key === "none").length;
  for (const n of [1, 2, 3]) await write(n);
  assert.equal(isLooked(), 1);
  await applied(store, (tx) => tx.put("none", json, "there"));
  await write(4);
  assert.deepEqual(store.evaluate((tx) => tx.get("sum", json)).value, [4, "there"]);
  await applied(store, (tx) => tx.delete("none"));
  await write(5);
  assert.deepEqual(store.evaluate((tx) => tx.get("sum", json)).value, [5, null]);
});

test("an absence that a write has found stands for the moment after what is cached, for reads too", async () => {
  const { store, feed, written } = await laggingStore();
  await written(writeBoth(1));
  feed();
  store.evaluate((tx) => tx.get("left", json));
  await written((tx) => ["left", "right"].forEach((key) => tx.delete(key)));
  const mixed = store.evaluate((tx) => {
    const values = both(tx);
    tx.put("sum", json, values);
    return values;
  });
  assert.deepEqual(mixed.value, [1, undefined], "the cache has the one from before, and remembers that the other is gone");
  assert.deepEqual(store.evaluate(both).value, [undefined, undefined]);
  const waiting = await store.evaluate(async (tx) => {
    await Promise.resolve();
    return both(tx);
  });
  assert.deepEqual(waiting.value, [undefined, undefined]);
  const committing = store.commit(mixed);
  feed();
  assert.equal((await committing).outcome, "conflict");
});

test("concurrent increments all count: a conflict is evaluated again", async () => {
  const { store } = await memoryStore();
  let runs = 0;
  const increment = () => store.transact((tx) => (runs++, tx.put("n", json, ((tx.get("n", json) as number | undefined) ?? 0) + 1)), { attempts: 100 });
  const outcomes = await Promise.all(Array.from({ length: 20 }, increment));
  assert.ok(outcomes.every(({ outcome }) => outcome.outcome === "applied"));
  assert.equal(store.evaluate((tx) => tx.get("n", json)).value, 20);
  assert.ok(runs > 20);
  const stale = store.evaluate((tx) => (tx.get("n", json), tx.put("x", json, 1)));
  await increment();
  assert.equal((await store.commit(stale)).outcome, "conflict");
});

test("what a function throws comes out, and nothing is written; a kept transaction is dead", async () => {
  const { store, log } = await memoryStore();
  let kept: StoreTransaction | undefined;
  assert.throws(() => store.evaluate((tx) => { kept = tx; tx.put("a", json, 1); throw new RequestError("invalid_request", "no"); }), /no/);
  assert.throws(() => kept?.get("a", json), /has ended/);
  await assert.rejects(async () => store.evaluate(async () => { throw new Error("later"); }), /later/);
  for (const key of ["", "/a", "\ud800", "x".repeat(5000)]) assert.throws(() => store.evaluate((tx) => tx.put(key, json, 1)), RequestError);
  assert.equal(log.appliedIndex(), 0);
});

test("a waiting evaluation stays at its point while others write", async () => {
  const { store } = await memoryStore();
  await applied(store, (tx) => { tx.put("a", json, 1); tx.put("b", json, 1); tx.put("f/1", json, 1); });
  store.evaluate((tx) => [tx.get("a", json), tx.get("none", json)]);
  const result = await store.evaluate(async (tx) => {
    const before = tx.get("a", json);
    await applied(store, (other) => { other.put("a", json, 2); other.put("b", json, 2); other.put("none", json, 2); other.put("f/2", json, 2); });
    // What the cache holds now is newer than this view.
    store.evaluate((other) => [other.get("a", json), other.get("b", json), other.get("none", json)]);
    return [before, tx.get("a", json), tx.get("b", json), tx.get("none", json), await tx.list("f/")];
  });
  assert.deepEqual([result.value, result.index], [[1, 1, 1, undefined, ["1"]], 1]);
  assert.deepEqual(store.evaluate((tx) => [tx.get("a", json), tx.get("b", json), tx.get("none", json)]).value, [2, 2, 2]);
});

/** The feed as a node's main thread gets it: after the database, by any delay. */
function delayed(log: ReplicatedLog): { readonly log: ReplicatedLog; deliver(): void } {
  const listeners: ((batch: AppliedBatch) => void)[] = [];
  const waiting: AppliedBatch[] = [];
  log.onApplied((batch) => waiting.push(batch));
  return {
    log: { ...log, onApplied: (listener) => (listeners.push(listener), () => undefined) },
    deliver: () => waiting.splice(0).forEach((batch) => listeners.forEach((listener) => listener(batch))),
  };
}

test("with the feed behind the database, a mixed view is never torn", async () => {
  const { log, reader } = await createMemoryLog();
  const feed = delayed(log);
  const writer = createStore({ log, reader, barrier: sealer });
  const store = createStore({ log: feed.log, reader, barrier: sealer });
  const writeBoth = (value: number) => applied(writer, (tx) => { tx.put("a", json, value); tx.put("b", json, value); });
  await writeBoth(1);
  feed.deliver();
  assert.equal(store.evaluate((tx) => tx.get("a", json)).value, 1);
  await writeBoth(2);
  // `a` is cached at 1; `b` can only be read at 2: it must start again rather than mix.
  let runs = 0;
  const both = store.evaluate((tx) => (runs++, [tx.get("a", json), tx.get("b", json)]));
  assert.deepEqual([both.value, both.index, runs], [[2, 2], 2, 2]);
  // Swallowing the signal does not help a function to a torn view.
  store.clearCache();
  feed.deliver();
  store.evaluate((tx) => tx.get("a", json));
  await writeBoth(3);
  const swallowing = store.evaluate((tx) => {
    try {
      return [tx.get("a", json), tx.get("b", json)];
    } catch {
      return "swallowed";
    }
  });
  assert.deepEqual(swallowing.value, [3, 3]);
  // Unrelated writes in between make nobody start again.
  feed.deliver();
  store.evaluate((tx) => tx.get("a", json));
  await applied(writer, (tx) => tx.put("c", json, 1));
  runs = 0;
  assert.deepEqual(store.evaluate((tx) => (runs++, [tx.get("a", json), tx.get("b", json)])).value, [3, 3]);
  assert.equal(runs, 1);
  // The same for one that waits: started over, at one point.
  feed.deliver();
  store.evaluate((tx) => tx.get("a", json));
  await writeBoth(4);
  assert.deepEqual((await store.evaluate(async (tx) => [tx.get("a", json), (await tx.list("")).length, tx.get("b", json)])).value, [4, 3, 4]);
});

test("a restore through the log replaces everything, voids what was evaluated before, and empties the cache", async () => {
  const { store, log } = await memoryStore();
  await applied(store, (tx) => { tx.put("a", json, "old"); tx.put("b", json, "old"); });
  const stale = store.evaluate((tx) => tx.put("new", json, 1));
  let waited: unknown;
  const waiting = store.evaluate(async (tx) => {
    tx.get("a", json);
    for await (const entry of restoreEntries("r", [["a", sealer.encrypt("a", Buffer.from('"restored"'))]])) assert.equal((await log.propose(entry, log.leadership().term)).outcome, "applied");
    waited = [tx.get("a", json), tx.get("b", json)];
  });
  await waiting;
  assert.deepEqual(waited, ["old", "old"]);
  assert.deepEqual(store.evaluate((tx) => [tx.get("a", json), tx.get("b", json)]).value, ["restored", undefined]);
  assert.equal((await store.commit(stale)).outcome, "conflict");
});

const part = fc.constantFrom("a", "b", "c", "a-", "a0", "ä", "\uffee", "😀");
const anyKey = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));

test("lists and keys are those of a plain model, with pending writes on top", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyKey, { maxLength: 40 }), fc.array(anyKey, { maxLength: 6 }), fc.array(anyKey, { maxLength: 6 }), fc.option(anyKey, { nil: "" }), fc.nat(6), fc.option(part, { nil: "" }), async (stored, puts, deletes, folder, limit, after) => {
      const { store } = await memoryStore();
      await applied(store, (tx) => stored.forEach((key) => tx.put(key, json, 1)));
      const prefix = folder === "" ? "" : `${folder}/`;
      const model = new Set([...stored, ...puts]);
      deletes.forEach((key) => model.delete(key));
      const below = [...model].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)).sort(compareKeys);
      const folded = [...new Set(below.map((key) => (key.includes("/") ? key.slice(0, key.indexOf("/") + 1) : key)))].sort(compareKeys);
      const cut = (names: string[]) => names.filter((name) => after === "" || compareKeys(name, after) > 0).slice(0, limit || undefined);
      const { value } = await store.evaluate(async (tx) => {
        puts.forEach((key) => tx.put(key, json, 2));
        deletes.forEach((key) => tx.delete(key));
        return [await tx.list(prefix, { after, limit }), await tx.keys(prefix, { after, limit })];
      });
      assert.deepEqual(value, [cut(folded), cut(below)]);
    }),
    { numRuns: 150 },
  );
});

test("listing seeks past big folders", async () => {
  const { log, reader } = await createMemoryLog();
  const store = createStore({ log, reader, barrier: sealer });
  await applied(store, (tx) => {
    for (let folder = 0; folder < 20; folder++) for (let i = 0; i < 1000; i++) tx.put(`f${folder}/${i}`, json, 1);
  });
  let keysRead = 0;
  const counting = { ...reader, snapshot: () => { const s = reader.snapshot(); return { ...s, keys: async (from: string, to: string, limit: number) => { const keys = await s.keys(from, to, limit); keysRead += keys.length; return keys; } }; } };
  const names = (await createStore({ log, reader: counting, barrier: sealer }).evaluate((tx) => tx.list(""))).value;
  assert.equal(names.length, 20);
  assert.ok(keysRead < 3000, `${keysRead} keys read`);
});
