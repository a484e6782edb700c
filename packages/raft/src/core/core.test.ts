import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeConfiguration } from "./configuration.js";
import { createCore } from "./core.js";
import type { RaftCore } from "./api.js";
import { rested } from "../testing/rested.js";
import type { Entry, LogReader, Message } from "./types.js";

const configuration = { servers: ["a", "b", "c"].map((id) => ({ id, address: `${id}:1`, voter: true })) };

/** A log that holds what it was given, as a synced disk would. */
function memoryLog(entries: Entry[]): LogReader {
  return {
    firstIndex: () => 1,
    lastIndex: () => entries.length,
    term: (index) => (index === 0 ? 0 : entries[index - 1]?.term),
    entries: (from, to) => entries.slice(from - 1, to - 1),
    snapshotMeta: () => undefined,
  };
}

function entry(index: number, term: number): Entry {
  return { index, term, kind: "normal", data: new Uint8Array([index]) };
}

function member(entries: Entry[], term: number, inForce = configuration): RaftCore {
  return createCore({
    id: "a", electionTicks: 10, tickLength: 1, heartbeatTicks: 1, maxInflightMessages: 8, maxInflightBytes: 1 << 20, maxEntriesBytesPerMessage: 1 << 20, reluctanceFactor: 3,
    random: () => 0, log: memoryLog(entries), hardState: { term, vote: undefined, commit: 0 }, configuration: inForce, configurationIndex: 0, appliedIndex: 0,
  });
}

function messagesOf(core: RaftCore): Message[] {
  const ready = core.ready();
  return [...ready.messagesNow, ...ready.messagesAfterPersist];
}

/** Puts on the disk what a Ready asks for, then says so. */
function persist(core: RaftCore, disk: Entry[]): void {
  disk.push(...core.ready().entries);
  core.persisted(disk.length, core.status().term);
}

/** Elected at `term + 1` by b; its no-op is appended and not yet durable. */
function elected(entries: Entry[], term: number): RaftCore {
  const core = member(entries, term);
  core.campaign();
  core.ready();
  core.step({ type: "vote-response", from: "b", to: "a", term: term + 1, granted: true });
  assert.equal(core.status().role, "leader");
  return core;
}

function acknowledge(core: RaftCore, from: string, index: number): void {
  core.step({ type: "append-response", from, to: "a", term: core.status().term, ok: true, index, hintIndex: 0, hintTerm: 0, canLead: true });
}

test("an entry of an older term is not committed by counting (figure 8)", () => {
  const core = elected([entry(1, 1), entry(2, 2)], 3);
  acknowledge(core, "b", 2);
  acknowledge(core, "c", 2);
  assert.equal(core.status().commitIndex, 0);
  acknowledge(core, "b", 3);
  acknowledge(core, "c", 3);
  assert.equal(core.status().commitIndex, 3);
});

test("the leader counts itself only once its entries are durable", () => {
  const disk: Entry[] = [];
  const core = elected(disk, 0);
  acknowledge(core, "b", 1);
  assert.equal(core.status().commitIndex, 0);
  persist(core, disk);
  assert.equal(core.status().commitIndex, 1);
});

test("a vote is given once a term and leaves only with the hard state that records it", () => {
  const core = rested(member([], 0), 10);
  core.step({ type: "vote", from: "b", to: "a", term: 1, lastIndex: 0, lastTerm: 0, force: false });
  core.step({ type: "vote", from: "c", to: "a", term: 1, lastIndex: 0, lastTerm: 0, force: false });
  const ready = core.ready();
  assert.deepEqual(ready.messagesNow, []);
  assert.equal(ready.hardState?.vote, "b");
  assert.deepEqual(ready.messagesAfterPersist.map((message) => message.type === "vote-response" && [message.to, message.granted]), [["b", true], ["c", false]]);
});

test("a vote is refused to a candidate with an older log", () => {
  const core = rested(member([entry(1, 1), entry(2, 2)], 2), 10);
  core.step({ type: "vote", from: "b", to: "a", term: 3, lastIndex: 9, lastTerm: 1, force: false });
  assert.ok(messagesOf(core).every((message) => message.type !== "vote-response" || !message.granted));
});

test("what was answered to a leader holds, though a later term made it forgotten", () => {
  const core = rested(member([], 1), 10);
  const vote = (force: boolean): Message => ({ type: "vote", from: "b", to: "a", term: 2, lastIndex: 9, lastTerm: 1, force });
  const votesIn = (messages: readonly Message[]) => messages.flatMap((message) => (message.type === "vote-response" ? [message.granted] : []));
  core.step({ type: "heartbeat", from: "c", to: "a", term: 1, commit: 0, round: 0, sentAt: 5 });
  assert.deepEqual(messagesOf(core).flatMap((message) => (message.type === "heartbeat-response" ? [[message.sentAt, message.patience]] : [])), [[5, 9]]);
  core.step({ type: "pre-vote-response", from: "b", to: "a", term: 2, granted: false });
  assert.deepEqual([core.status().term, core.status().leader], [2, undefined]);
  core.step(vote(false));
  assert.deepEqual(votesIn(messagesOf(core)), [false]);
  core.step(vote(true));
  assert.deepEqual(votesIn(messagesOf(core)), [true], "the leader that was answered said so");
});

test("the election timeout asks for pre-votes and leaves the term alone", () => {
  const core = member([], 4);
  for (let tick = 0; tick < 10; tick++) core.tick();
  assert.equal(core.status().term, 4);
  assert.equal(core.status().role, "pre-candidate");
  assert.deepEqual(messagesOf(core).map((message) => message.type), ["pre-vote", "pre-vote"]);
});

test("a leader without a quorum steps down", () => {
  const core = elected([], 0);
  for (let tick = 0; tick < 20; tick++) core.tick();
  assert.notEqual(core.status().role, "leader");
});

test("a read waits for the no-op and for a round that a quorum answered", () => {
  const disk: Entry[] = [];
  const core = elected(disk, 0);
  core.readIndex(7);
  persist(core, disk);
  acknowledge(core, "b", 1);
  const ready = core.ready();
  assert.deepEqual(ready.reads, []);
  const beat = [...ready.messagesNow, ...ready.messagesAfterPersist].find((message) => message.type === "heartbeat" && message.round > 0);
  assert.ok(beat?.type === "heartbeat");
  core.step({ type: "heartbeat-response", from: "b", to: "a", term: 1, round: beat.round, canLead: true, sentAt: 0, patience: 0 });
  assert.deepEqual(core.ready().reads, [{ id: 7, index: 1 }]);
});

/** A leader whose no-op is committed, among these servers. */
function established(servers: typeof configuration.servers): RaftCore {
  const disk: Entry[] = [];
  const core = member(disk, 1, { servers });
  core.campaign();
  core.ready();
  for (const { id } of servers) core.step({ type: "vote-response", from: id, to: "a", term: 2, granted: true });
  persist(core, disk);
  for (const { id } of servers.slice(1)) acknowledge(core, id, 1);
  core.ready();
  core.applied(1);
  return core;
}

const question = (from: string): Message => ({ type: "read-index", from, to: "a", term: 2, id: 7 });
const answersIn = (messages: readonly Message[]) => messages.filter(({ type }) => type === "read-index-response").map(({ to }) => to);
const roundsIn = (messages: readonly Message[]) => messages.filter((message) => message.type === "heartbeat" && message.round > 0).map(({ to }) => to);

test("the question of a voter that makes a majority with the leader needs no round", () => {
  const core = established(configuration.servers);
  core.step(question("c"));
  const messages = messagesOf(core);
  assert.deepEqual([answersIn(messages), roundsIn(messages)], [["c"], []]);
});

test("where one voter more is no majority, or the one that asks has no vote, a round is made of as few as it takes", () => {
  const five = ["a", "b", "c", "d", "e"].map((id) => ({ id, address: `${id}:1`, voter: true }));
  const withLearner = [...configuration.servers, { id: "d", address: "d:1", voter: false }];
  for (const [servers, asker, asked] of [[five, "c", 2], [withLearner, "d", 1]] as const) {
    const core = established(servers);
    core.step(question(asker));
    const messages = messagesOf(core);
    assert.deepEqual([answersIn(messages), roundsIn(messages).length], [[], asked]);
    const round = messages.find((message) => message.type === "heartbeat" && message.round > 0) as Extract<Message, { type: "heartbeat" }>;
    for (const from of roundsIn(messages)) core.step({ type: "heartbeat-response", from, to: "a", term: 2, round: round.round, canLead: true, sentAt: 0, patience: 0 });
    assert.deepEqual(answersIn(messagesOf(core)), [asker]);
  }
});

test("proposals made between two readies leave as one append for each follower", () => {
  const disk: Entry[] = [];
  const core = elected(disk, 0);
  persist(core, disk);
  acknowledge(core, "b", 1);
  acknowledge(core, "c", 1);
  core.ready();
  for (let count = 0; count < 3; count++) assert.ok(core.propose(new Uint8Array([count])).ok);
  const appends = core.ready().messagesNow.filter((message) => message.type === "append");
  assert.deepEqual(appends.map((message) => [message.to, message.entries.length]), [["b", 3], ["c", 3]]);
});

test("a lost append is sent again after the next heartbeat, without a new proposal", () => {
  const disk: Entry[] = [];
  const core = elected(disk, 0);
  persist(core, disk);
  acknowledge(core, "b", 1);
  core.ready();
  core.propose(new Uint8Array([1]));
  core.ready();
  core.tick();
  core.ready();
  core.step({ type: "heartbeat-response", from: "b", to: "a", term: 1, round: 0, canLead: true, sentAt: 0, patience: 0 });
  const toB = () => messagesOf(core).flatMap((message) => (message.type === "append" && message.to === "b" ? [[message.prevIndex, message.entries.length]] : []));
  assert.deepEqual(toB(), [[2, 0]]);
  core.step({ type: "append-response", from: "b", to: "a", term: 1, ok: false, index: 2, hintIndex: 1, hintTerm: 1, canLead: true });
  assert.deepEqual(toB(), [[1, 1]]);
});

const without = (...gone: string[]) => ({ servers: configuration.servers.filter((server) => !gone.includes(server.id)) });

test("a server removed by an entry not yet committed campaigns: perhaps only it has that entry, and nobody else can win", () => {
  const core = member([{ index: 1, term: 1, kind: "config", data: encodeConfiguration(without("a")) }], 1);
  for (let tick = 0; tick < 10; tick++) core.tick();
  assert.deepEqual(messagesOf(core).map(({ type, to }) => [type, to]), [["pre-vote", "b"], ["pre-vote", "c"]]);
});

test("a read that waits for a voter is confirmed when that voter is removed", () => {
  const disk: Entry[] = [];
  const core = member(disk, 0, without("c"));
  core.campaign();
  core.ready();
  core.step({ type: "vote-response", from: "b", to: "a", term: 1, granted: true });
  persist(core, disk);
  acknowledge(core, "b", 1);
  core.readIndex(7);
  assert.deepEqual(core.ready().reads, []);
  assert.ok(core.proposeConfiguration(without("b", "c")).ok);
  assert.deepEqual(core.ready().reads, [{ id: 7, index: 1 }]);
});

test("a full window whose entries were compacted meanwhile is not waited for", () => {
  const disk: Entry[] = [];
  const log = memoryLog(disk);
  let first = 1;
  const meta = () => ({ index: disk.length, term: 1, configuration, configurationIndex: 0 });
  const core = createCore({
    id: "a", electionTicks: 10, tickLength: 1, heartbeatTicks: 1, maxInflightMessages: 1, maxInflightBytes: 1 << 20, maxEntriesBytesPerMessage: 1 << 20, reluctanceFactor: 3, random: () => 0,
    log: { ...log, firstIndex: () => first, term: (index) => (index < first - 1 ? undefined : log.term(index)), snapshotMeta: meta },
    hardState: { term: 0, vote: undefined, commit: 0 }, configuration, configurationIndex: 0, appliedIndex: 0,
  });
  core.campaign();
  core.ready();
  core.step({ type: "vote-response", from: "b", to: "a", term: 1, granted: true });
  persist(core, disk);
  for (const peer of ["b", "c"]) acknowledge(core, peer, 1);
  for (let count = 0; count < 3; count++) {
    core.propose(new Uint8Array([count]));
    persist(core, disk);
    acknowledge(core, "b", disk.length);
    core.ready();
    core.applied(disk.length);
  }
  first = 5;
  core.tick();
  core.ready();
  core.step({ type: "heartbeat-response", from: "c", to: "a", term: 1, round: 0, canLead: true, sentAt: 0, patience: 0 });
  assert.deepEqual(messagesOf(core).flatMap((message) => (message.type === "snapshot" ? [message.to] : [])), ["c"]);
});

test("bytes in flight to a follower are bounded", () => {
  const disk: Entry[] = [];
  const core = elected(disk, 0);
  persist(core, disk);
  acknowledge(core, "b", 1);
  core.ready();
  let sent = 0;
  for (let count = 0; count < 8; count++) {
    core.propose(new Uint8Array(1 << 19));
    sent += messagesOf(core).reduce((sum, message) => sum + (message.type === "append" && message.to === "b" ? message.entries.length : 0), 0);
  }
  assert.equal(sent, 2);
});
