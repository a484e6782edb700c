import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandomBytes } from "./random-bytes.js";

test("bytes are given once, in memory of their own, across refills of the pool", () => {
  const randomBytes = createRandomBytes();
  const seen = new Set<string>();
  for (let i = 0; i < 2000; i++) {
    const bytes = randomBytes(24);
    assert.equal(bytes.length, 24);
    assert.equal(bytes.buffer.byteLength, 24);
    const text = Buffer.from(bytes).toString("hex");
    assert.ok(!seen.has(text) && !/^0+$/.test(text));
    seen.add(text);
  }
});

test("any length", () => {
  const randomBytes = createRandomBytes();
  for (const length of [0, 1, 255, 256, 257, 5000]) assert.equal(randomBytes(length).length, length);
});
