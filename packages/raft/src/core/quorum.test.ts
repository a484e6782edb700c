import assert from "node:assert/strict";
import { test } from "node:test";
import { isSound, leaveJoint, nextConfiguration } from "./configuration-change.js";
import { createConfigurationHistory, decodeConfiguration, encodeConfiguration } from "./configuration.js";
import { committedByQuorum, hasQuorum, isVoter, tally, voters } from "./quorum.js";
import type { Configuration } from "./types.js";

/** "a b c*": a and b vote, c learns. */
function configuration(text: string): Configuration {
  return { servers: text.split(" ").map((word) => ({ id: word.replace("*", ""), address: `${word[0]}:1`, voter: !word.endsWith("*") })) };
}
const three = configuration("a b c l*");
const joint = nextConfiguration(three, configuration("c d e b*"));
const matching = (matches: Record<string, number>) => (id: string) => matches[id] ?? 0;
const votesOf = (text: string) => new Map(text.split(" ").map((word) => [word[0]!, word[1] === "+"]));

test("a quorum is a majority of the voters; learners count for nothing", () => {
  assert.equal(committedByQuorum(three, matching({ a: 5, b: 3, c: 4, l: 9 })), 4);
  assert.equal(committedByQuorum(configuration("a b"), matching({ a: 5, b: 1 })), 1);
  assert.equal(tally(three, votesOf("a+ l+")), "pending");
  assert.equal(tally(three, votesOf("a+ b+")), "won");
  assert.equal(tally(three, votesOf("a- b-")), "lost");
  assert.equal(hasQuorum({ servers: [] }, () => true), false);
});

test("a joint configuration needs a majority of the voters before the change and one of those after it", () => {
  assert.deepEqual(joint.outgoing, { voters: ["a", "b", "c"], leaving: ["a"] });
  assert.deepEqual(voters(joint).sort(), ["a", "b", "c", "d", "e"]);
  assert.equal(committedByQuorum(joint, matching({ a: 9, b: 9, c: 9, d: 2, e: 1 })), 2);
  assert.equal(committedByQuorum(joint, matching({ a: 1, b: 2, c: 9, d: 9, e: 9 })), 2);
  assert.equal(tally(joint, votesOf("a+ b+")), "pending");
  assert.equal(tally(joint, votesOf("d+ e+")), "pending");
  assert.equal(tally(joint, votesOf("c+ d+ b+")), "won");
  assert.equal(tally(joint, votesOf("a+ b+ d- e-")), "lost");
});

test("a change of one vote is one step, any other passes through a joint configuration that ends as it was asked", () => {
  for (const [from, to, isJoint] of [
    ["a b c", "a b c d", false], ["a b c", "a b", false], ["a b c", "a b c d* e*", false], ["a b d*", "a b d", false], ["a b c", "a b c*", false],
    ["a b c", "a b d", true], ["a", "b", true], ["a b c", "d e f", true], ["a b c", "a b* c*", true], ["a b* c*", "a b c", true],
  ] as const) {
    const next = nextConfiguration(configuration(from), configuration(to));
    assert.equal(next.outgoing !== undefined, isJoint, `${from} -> ${to}`);
    assert.deepEqual(leaveJoint(next), configuration(to));
  }
});

test("a voter that becomes a learner keeps its vote until the joint configuration ends", () => {
  const next = nextConfiguration(configuration("a b c"), configuration("a b* c*"));
  assert.deepEqual([isVoter(next, "b"), isVoter(leaveJoint(next), "b"), next.outgoing?.leaving], [true, false, []]);
});

test("a configuration without a voter, with a server named twice or without an address is not sound", () => {
  assert.equal(isSound(configuration("a b*")), true);
  assert.equal(isSound(configuration("a*")), false);
  assert.equal(isSound({ servers: [] }), false);
  assert.equal(isSound(configuration("a a*")), false);
  assert.equal(isSound({ servers: [{ id: "a", address: "", voter: true }] }), false);
});

test("configurations come back from their bytes, joint or not; those of older versions too", () => {
  for (const one of [three, joint]) assert.deepEqual(decodeConfiguration(encodeConfiguration(one)), one);
  const old = '{"servers":[{"id":"a","address":"a:1","voter":true}]}';
  assert.deepEqual(decodeConfiguration(Buffer.from(old)), configuration("a"));
  assert.equal(Buffer.from(encodeConfiguration(configuration("a"))).toString(), old);
});

test("a configuration is in force from its entry on and goes with it", () => {
  const history = createConfigurationHistory(1, three);
  history.append(5, joint);
  assert.equal(history.current(), joint);
  assert.equal(history.mayYetVote("d"), true);
  assert.equal(history.truncate(5), true);
  assert.deepEqual([history.current(), history.currentIndex(), history.mayYetVote("d")], [three, 1, false]);
});
