import assert from "node:assert/strict";
import test from "node:test";
import type { Entry, Message } from "../core/types.js";
import { createMeasures } from "./measures.js";
import { createRpcTimes } from "./rpc-times.js";

const ENTRY: Entry = { index: 0, term: 1, kind: "normal", data: new Uint8Array() };

function member() {
  let time = 0;
  const measures = createMeasures();
  const times = createRpcTimes(measures, () => time);
  const append = (prevIndex: number, entries: number): Message => ({ type: "append", from: "a", to: "b", term: 1, prevIndex, prevTerm: 1, entries: Array.from({ length: entries }, () => ENTRY), commit: 0 });
  const acknowledge = (index: number, ok = true): Message => ({ type: "append-response", from: "b", to: "a", term: 1, ok, index, hintIndex: 0, hintTerm: 0, canLead: true });
  return { measures, times, append, acknowledge, pass: (milliseconds: number) => void (time += milliseconds) };
}

test("entries of a leader are timed until the answer that is theirs leaves", () => {
  const { measures, times, append, acknowledge, pass } = member();
  times.received(append(10, 0));
  times.received(append(10, 2));
  times.received(append(12, 2));
  pass(7);
  times.sent(acknowledge(10));
  pass(1);
  times.sent(acknowledge(12));
  times.sent(acknowledge(14));
  assert.deepEqual([measures.answeredAppendMsSum, measures.answeredAppendCount], [8, 1], "the one to the message without entries is none of theirs, and one is timed at a time");
  times.received(append(14, 1));
  pass(2);
  times.sent(acknowledge(0, false));
  assert.deepEqual([measures.answeredAppendMsSum, measures.answeredAppendCount], [10, 2], "a refusal is an answer");
  times.received(append(14, 1));
  pass(60_000);
  times.installEnded();
  times.received(append(90, 1));
  pass(3);
  times.sent(acknowledge(91));
  assert.deepEqual([measures.answeredAppendMsSum, measures.answeredAppendCount], [13, 3], "what got no answer while a state was installed does not count");
});

test("a heartbeat or a question for a vote that got no answer does not make the next one long", () => {
  const { measures, times, pass } = member();
  const heartbeat: Message = { type: "heartbeat", from: "a", to: "b", term: 1, commit: 0, round: 0, sentAt: 0 };
  const vote: Message = { type: "vote", from: "a", to: "b", term: 2, lastIndex: 1, lastTerm: 1, force: false };
  times.received(heartbeat);
  times.received(vote);
  pass(60_000);
  times.received(heartbeat);
  times.received(vote);
  pass(4);
  times.sent({ type: "heartbeat-response", from: "b", to: "a", term: 1, round: 0, canLead: true, sentAt: 0, patience: 0 });
  times.sent({ type: "vote-response", from: "b", to: "a", term: 2, granted: true });
  times.sent({ type: "vote-response", from: "b", to: "c", term: 2, granted: true });
  assert.deepEqual([measures.answeredHeartbeatMsSum, measures.answeredHeartbeatCount, measures.answeredVoteMsSum, measures.answeredVoteCount], [4, 1, 4, 1]);
});

test("a candidate times each server's answer to this round, be it yes or no", () => {
  const { measures, times, pass } = member();
  const ask = (type: "vote" | "pre-vote", to: string, term: number): Message => ({ type, from: "b", to, term, lastIndex: 1, lastTerm: 1, force: false });
  const answer = (type: "vote-response" | "pre-vote-response", from: string, term: number, granted: boolean): Message => ({ type, from, to: "b", term, granted });
  times.sent(ask("pre-vote", "a", 2));
  times.sent(ask("pre-vote", "c", 2));
  pass(3);
  times.received(answer("pre-vote-response", "a", 2, true));
  times.received(answer("pre-vote-response", "c", 1, false));
  assert.deepEqual([measures.preVoteMsSum, measures.preVoteCount], [6, 2]);
  times.sent(ask("vote", "a", 2));
  pass(50_000);
  times.sent(ask("vote", "a", 3));
  pass(1);
  times.received(answer("vote-response", "a", 2, true));
  pass(1);
  times.received(answer("vote-response", "a", 3, true));
  times.received(answer("vote-response", "a", 3, true));
  assert.deepEqual([measures.voteMsSum, measures.voteCount], [2, 1]);
});
