import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, relative } from "node:path";
import test from "node:test";
import { createBarrier, createStore, encodeEntry, openStateReader } from "@coffer/state-machine";
import type { AppliedBatch } from "@coffer/state-machine";
import { temporaryFolder, until } from "../server/testing/test-node.js";
import { startRaftThread } from "./raft-thread.js";
import { createReplica } from "./replica.js";
import { EVENTS, leading, optionsIn } from "./testing/member.js";

const put = (key: string) => encodeEntry({ kind: "write", base: 0, puts: [[key, Buffer.from("sealed")]], deletes: [] });

test("a proposal is applied, told to listeners that are still there, and outlives a restart", async (t) => {
  const directory = temporaryFolder(t);
  const thread = await leading(t, directory);
  const heard: AppliedBatch[] = [];
  const stopListening = thread.onApplied((batch) => heard.push(batch));
  const done = await thread.propose(put("a"), thread.leadership().term);
  assert.equal(done.outcome, "applied");
  assert.deepEqual(heard.at(-1)?.keys, ["a"], "told before the answer");
  stopListening();
  await thread.propose(put("b"), thread.leadership().term);
  assert.equal(heard.at(-1)?.keys[0], "a");
  assert.equal(await thread.waitApplied(thread.appliedIndex(), 0), true);
  assert.equal(await thread.waitApplied(thread.appliedIndex() + 1, 1), false);
  const index = thread.appliedIndex();
  await thread.stop();
  const again = await leading(t, directory);
  assert.ok(again.appliedIndex() >= index);
});

test("a proposal of another term is refused: what it rests on may be of the past", async (t) => {
  const thread = await leading(t, temporaryFolder(t));
  const { term } = thread.leadership();
  const index = thread.appliedIndex();
  for (const other of [term - 1, term + 1]) assert.deepEqual(await thread.propose(put("a"), other), { outcome: "not-leader" });
  assert.equal(thread.appliedIndex(), index);
  assert.equal((await thread.propose(put("a"), term)).outcome, "applied");
});

test("after the end a proposal was certainly not made, and nobody leads", async (t) => {
  const thread = await leading(t, temporaryFolder(t));
  const out = thread.propose(put("a"), thread.leadership().term);
  await Promise.all([thread.stop(), thread.stop()]);
  assert.ok(["applied", "unknown"].includes((await out).outcome));
  assert.deepEqual(await thread.propose(put("b"), thread.leadership().term), { outcome: "not-leader" });
  assert.deepEqual(await thread.readBarrier(), { outcome: "no-leader" });
  await assert.rejects(thread.call("status", null), /stopped/);
});

test("a thread that cannot start says why, and lets go of its folder", async (t) => {
  const directory = temporaryFolder(t);
  const blocker = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => blocker.once("listening", resolve));
  const { port } = blocker.address() as { port: number };
  const options = await optionsIn(directory, port);
  await assert.rejects(startRaftThread(options, EVENTS), new RegExp(`cannot listen on 127.0.0.1:${port}`));
  await new Promise((resolve) => blocker.close(resolve));
  const thread = await startRaftThread(options, EVENTS);
  t.after(() => thread.stop());
  await until("it leads", () => thread.leadership().isLeader);
});

test("a state with a hole, where a bit flipped in what LevelDB had not yet built a table of, is refused at every start; a write that was cut short is not", async (t) => {
  /** Starts, writes, and copies what a crash would leave; gives its folder, and the file of what is in no table. */
  async function writeSome(directory: string): Promise<{ readonly left: string; readonly file: string }> {
    const thread = await leading(t, directory);
    for (let i = 0; i < 30; i++) await thread.propose(encodeEntry({ kind: "write", base: 0, puts: [[`key-${i}`, Buffer.alloc(3000, i)]], deletes: [] }), thread.leadership().term);
    const left = temporaryFolder(t);
    cpSync(directory, left, { recursive: true });
    const state = join(left, relative(directory, thread.stateDirectory));
    await thread.stop();
    return { left, file: join(state, readdirSync(state).find((name) => name.endsWith(".log"))!) };
  }
  const cut = await writeSome(temporaryFolder(t));
  writeFileSync(cut.file, readFileSync(cut.file).subarray(0, -1));
  const flipped = await writeSome(cut.left);
  const bytes = readFileSync(flipped.file);
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  writeFileSync(flipped.file, bytes);
  for (let tries = 0; tries < 2; tries++) await assert.rejects(startRaftThread(await optionsIn(flipped.left), EVENTS), /is damaged .* let it join again/);
});

test("a folder in use is told with its cause", async (t) => {
  const directory = temporaryFolder(t);
  await leading(t, directory);
  await assert.rejects(startRaftThread(await optionsIn(directory), EVENTS), /lock/i);
});

test("a thread that cannot apply an entry ends as fatal, once, and leads no more", async (t) => {
  const directory = temporaryFolder(t);
  const fatal: string[] = [];
  const thread = await leading(t, directory, { onFatal: (error) => void fatal.push(error.message) });
  // An entry that no version knows: applying it must stop the member.
  const out = await thread.propose(Buffer.from([0xff, 0xff, 0xff]), thread.leadership().term);
  await until("it is fatal", () => fatal.length > 0);
  assert.equal(out.outcome, "unknown");
  assert.deepEqual([fatal.length, thread.leadership().isLeader], [1, false]);
  assert.deepEqual(await thread.propose(put("a"), thread.leadership().term), { outcome: "not-leader" });
  await thread.stop();
  assert.equal(fatal.length, 1);
});

test("a replica is empty before it belongs to a cluster and after, and tells of both", async (t) => {
  const replica = createReplica();
  const resets: (boolean | undefined)[] = [];
  const stopListening = replica.log.onApplied(({ reset }) => void resets.push(reset));
  const leaders: boolean[] = [];
  replica.log.onLeadership(({ isLeader }) => void leaders.push(isLeader));
  const store = createStore({ log: replica.log, reader: replica.reader, barrier: createBarrier() });
  const seen = () => store.evaluate((tx) => tx.getRaw("a")).value;
  assert.deepEqual([seen(), await replica.log.propose(put("a"), replica.log.leadership().term), await replica.log.readBarrier(), await replica.log.waitApplied(1, 10)], [undefined, { outcome: "not-leader" }, { outcome: "no-leader" }, false]);

  const thread = await startRaftThread(await optionsIn(temporaryFolder(t)), EVENTS);
  t.after(() => thread.stop());
  const reader = await openStateReader(thread.stateDirectory);
  replica.attach(thread, reader);
  await until("it leads", () => replica.log.leadership().isLeader);
  assert.ok(leaders.includes(true));
  await replica.log.propose(put("a"), replica.log.leadership().term);
  assert.equal(Buffer.from(seen()!).toString(), "sealed");

  replica.detach();
  assert.deepEqual([seen(), replica.log.appliedIndex(), replica.log.leadership().isLeader], [undefined, 0, false]);
  assert.deepEqual([resets[0], resets.at(-1)], [true, true]);
  const told = resets.length;
  stopListening();
  await thread.propose(put("b"), thread.leadership().term);
  assert.equal(resets.length, told);
  await reader.close();
});
