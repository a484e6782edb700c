import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { Codec } from "../framework/storage.js";
import type { AppliedBatch, ReplicatedLog } from "./replicated-log.js";
import { openStateReader } from "./state-reader.js";
import { createStore } from "./store.js";

const EVALUATIONS = 40_000;
const codec: Codec<string> = { encode: (value) => Buffer.from(value), decode: (bytes) => Buffer.from(bytes).toString() };
const plain = { encrypt: (_key: string, bytes: Uint8Array) => bytes, decrypt: (_key: string, bytes: Uint8Array) => bytes };

test("two keys written together are read together, while another thread writes and replaces the state", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "coffer-reader-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const worker = new Worker(new URL("./concurrent-writer.test-worker.js", import.meta.url), { workerData: { directory } });
  const [{ location }] = (await once(worker, "message")) as [{ location: string }];
  const reader = await openStateReader(location);
  let listener: (batch: AppliedBatch) => void = () => undefined;
  let resets = 0;
  // As the node does it: what follows a reset waits until the reader has moved.
  let queue: Promise<void> | undefined;
  let done = false;
  worker.on("message", (message: { index: number; keys: string[]; location?: string; done?: boolean }) => {
    if (message.done) done = true;
    else if (message.location !== undefined || queue) {
      queue = (queue ?? Promise.resolve()).then(async () => {
        if (message.location === undefined) return listener(message);
        await reader.reopen(message.location);
        resets++;
        listener({ index: message.index, keys: [], reset: true });
      });
    } else listener(message);
  });
  const log = { onApplied: (next: typeof listener) => void (listener = next) } as unknown as ReplicatedLog;
  const store = createStore({ reader, log, barrier: plain, cacheEntries: 20 });

  const values = new Set<string>();
  for (let i = 0; i < EVALUATIONS || resets < 2; i++) {
    // Never older than what the feed has told. It may be newer, once, where the database is ahead of the feed: what is read
    // after a read barrier is not affected, since the feed is told of everything applied before the barrier is answered.
    const told = store.index();
    const { value, index } = store.evaluate((tx) => [tx.get("left", codec), tx.get(`filler/${i % 60}`, codec), tx.get("right", codec)]);
    assert.equal(value[0], value[2]);
    assert.ok(index >= told, `the view is of index ${index}, the feed has told of ${told}`);
    if (value[0] !== undefined) values.add(value[0]);
    if (i % 20 === 0) {
      const waited = await store.evaluate(async (tx) => {
        const left = tx.get("left", codec);
        await new Promise(setImmediate);
        return [left, tx.get("right", codec), (await tx.keys("filler/")).length];
      });
      assert.equal(waited.value[0], waited.value[1]);
    }
  }
  assert.ok(values.size > 50, `only ${values.size} states were seen`);
  worker.postMessage("stop");
  while (!done) await new Promise(setImmediate);
  await queue;
  await reader.close();
  worker.postMessage("close");
  await once(worker, "exit");
});
