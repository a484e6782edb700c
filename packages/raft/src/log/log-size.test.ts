import assert from "node:assert/strict";
import test from "node:test";
import { createLogSize } from "./log-size.js";

const KIB = 1024;
const entry = (index: number, bytes: number) => ({ index, term: 1, kind: "normal", data: new Uint8Array(bytes - 32) }) as const;

test("sizes are known to a step, and the log's own begin bounds what may be cut", () => {
  const size = createLogSize(10);
  assert.deepEqual([size.bytesAfter(10), size.indexBefore(0)], [0, 10]);
  for (let index = 11; index <= 50; index++) size.appended(entry(index, 256 * KIB));
  assert.equal(size.bytesAfter(10), 40 * 256 * KIB);
  assert.equal(size.bytesAfter(14), 36 * 256 * KIB);
  assert.equal(size.bytesAfter(16), 36 * 256 * KIB, "from the last note on");
  assert.equal(size.indexBefore(5 * 1024 * KIB), 30);
  assert.equal(size.indexBefore(100 * 1024 * KIB), 10);
  size.begins(30);
  assert.equal(size.bytesAfter(30), 20 * 256 * KIB);
  assert.equal(size.indexBefore(100 * 1024 * KIB), 30);
  size.cutFrom(39);
  assert.equal(size.bytesAfter(30), 8 * 256 * KIB);
  for (let index = 39; index <= 42; index++) size.appended(entry(index, 256 * KIB));
  assert.equal(size.bytesAfter(30), 12 * 256 * KIB);
  size.cutFrom(31);
  assert.equal(size.bytesAfter(30), 0);
});
