import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import test from "node:test";
import { answerChallenge, createChallengeBook } from "./join-protocol.js";

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

test("garbage, expired and evicted challenges are refused", () => {
  let now = 0;
  const book = createChallengeBook(() => now);
  book.challenge(key, "n2");
  assert.equal(book.accept(key, "n2", "PEM", new Uint8Array(5)), false);
  const late = answerChallenge(key, book.challenge(key, "n2"), "n2", "PEM")!;
  now = 10 * 60_000;
  assert.equal(book.accept(key, "n2", "PEM", late), false);
  const evicted = answerChallenge(key, book.challenge(key, "n2"), "n2", "PEM")!;
  for (let i = 0; i < 20; i++) book.challenge(key, `flood-${i}`);
  assert.equal(book.accept(key, "n2", "PEM", evicted), false);
});
