import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import test from "node:test";
import { createIncomingSnapshot, DamagedSnapshotError } from "./receive.js";

const chunk = (count: number, text = `chunk ${count}`) => ({ data: Buffer.from(text), checksum: crc32(Buffer.from(text)), count });

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<string[]> {
  const all: string[] = [];
  for await (const one of chunks) all.push(Buffer.from(one).toString());
  return all;
}

test("what came over several streams arrives once and in order, also what came twice", async () => {
  const incoming = createIncomingSnapshot();
  const read = readAll(incoming.chunks);
  await incoming.take(chunk(0));
  // The stream breaks with this one on its way; the next begins behind it, or with it.
  const [first, second] = [incoming.take(chunk(1)), incoming.take(chunk(1))];
  assert.equal(incoming.received(), 2);
  await Promise.all([first, second, incoming.take(chunk(2))]);
  await incoming.take({ last: true, count: 3 });
  assert.ok(incoming.isComplete());
  assert.deepEqual(await read, ["chunk 0", "chunk 1", "chunk 2"]);
});

test("a chunk waits until the install wants it", async () => {
  const incoming = createIncomingSnapshot();
  let taken = false;
  const take = incoming.take(chunk(0)).then(() => (taken = true));
  const iterator = incoming.chunks[Symbol.asyncIterator]();
  await iterator.next();
  await new Promise((wake) => setImmediate(wake));
  assert.equal(taken, false, "it is being worked on");
  void iterator.next();
  await take;
});

test("damage is found before the install sees it, and the chunk may come again", async () => {
  const incoming = createIncomingSnapshot();
  const read = readAll(incoming.chunks);
  await assert.rejects(incoming.take({ ...chunk(0), checksum: 1 }), DamagedSnapshotError);
  await assert.rejects(incoming.take(chunk(1)), /chunk 1 came instead of 0/);
  await incoming.take(chunk(0));
  await assert.rejects(incoming.take({ last: true, count: 2 }), /1 of 2 chunks arrived/);
  await incoming.take(chunk(1));
  await incoming.take({ last: true, count: 2 });
  assert.deepEqual(await read, ["chunk 0", "chunk 1"]);
});

test("given up, the install fails and nothing waits", async () => {
  const incoming = createIncomingSnapshot();
  const read = readAll(incoming.chunks);
  await incoming.take(chunk(0));
  incoming.giveUp("no more came");
  await assert.rejects(read, /no more came/);
  await assert.rejects(incoming.take(chunk(1)), /no more came/);
});
