import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import test from "node:test";
import { answerChallenge, createChallengeBook, seal } from "./join-protocol.js";

const key = new Uint8Array(randomBytes(32));

test("a joiner with the root key's derivative is accepted, once", () => {
  const book = createChallengeBook(() => 0);
  const answer = answerChallenge(key, book.challenge(key, "n2"), "n2", "PEM")!;
  assert.equal(book.accept(key, "n2", "PEM", answer), true);
  assert.equal(book.accept(key, "n2", "PEM", answer), false, "a challenge answers once");
});

test("another key cannot open the challenge", () => {
  const book = createChallengeBook(() => 0);
  assert.equal(answerChallenge(new Uint8Array(randomBytes(32)), book.challenge(key, "n2"), "n2", "PEM"), undefined);
});

test("the answer is bound to the server id and the public key", () => {
  const book = createChallengeBook(() => 0);
  const forKey = (serverId: string, publicKey: string) => answerChallenge(key, book.challenge(key, "n2"), serverId, publicKey)!;
  assert.equal(book.accept(key, "n2", "OTHER", forKey("n2", "PEM")), false);
  assert.equal(book.accept(key, "n2", "PEM", forKey("n3", "PEM")), false);
});

test("garbage and what came too late are refused", () => {
  let now = 0;
  const book = createChallengeBook(() => now);
  book.challenge(key, "n2");
  for (const length of [0, 5, 40, 144, 200]) assert.equal(book.accept(key, "n2", "PEM", new Uint8Array(length)), false);
  // Sealed with the right key, but no answer to anything.
  for (const length of [0, 72, 73, 104]) assert.equal(book.accept(key, "n2", "PEM", seal(key, new Uint8Array(length))), false);
  const late = answerChallenge(key, book.challenge(key, "n2"), "n2", "PEM")!;
  now = 10 * 60_000;
  assert.equal(book.accept(key, "n2", "PEM", late), false);
});

test("a flood of challenges does not push out the one of a joiner", () => {
  const book = createChallengeBook(() => 0);
  const answer = answerChallenge(key, book.challenge(key, "n2"), "n2", "PEM")!;
  for (let i = 0; i < 1000; i++) book.challenge(key, i % 2 ? "n2" : `flood-${i}`);
  assert.equal(book.accept(key, "n2", "PEM", answer), true);
});

test("a challenge given by the active node before this one is as good", () => {
  const answer = answerChallenge(key, createChallengeBook(() => 0).challenge(key, "n2"), "n2", "PEM")!;
  const next = createChallengeBook(() => 1000);
  assert.deepEqual([next.accept(key, "n2", "PEM", answer), next.accept(key, "n2", "PEM", answer)], [true, false]);
});

test("a challenge is no answer, nor the other way round", () => {
  const book = createChallengeBook(() => 0);
  const challenge = book.challenge(key, "n2");
  assert.equal(book.accept(key, "n2", "PEM", challenge), false);
  const twice = answerChallenge(key, answerChallenge(key, challenge, "n2", "PEM")!, "n2", "PEM")!;
  assert.equal(book.accept(key, "n2", "PEM", twice), false);
});
