import assert from "node:assert/strict";
import test from "node:test";
import { createReads } from "./reads.js";
import type { ReadOutcome } from "./reads.js";

function setUp(applied: number) {
  let time = 0;
  const asked: number[] = [];
  const reads = createReads(() => time, () => applied, () => undefined);
  const core = { readIndex: (id: number) => void asked.push(id) };
  const request = () => new Promise<ReadOutcome>((resolve) => reads.request(resolve));
  return { reads, core, asked, request, pass: (milliseconds: number) => void (time += milliseconds) };
}

test("callers that wait share one question; those that come while it is out share the next", async () => {
  const { reads, core, asked, request } = setUp(7);
  const first = [request(), request()];
  reads.ask(core);
  const second = request();
  reads.ask(core);
  assert.deepEqual(asked, [1]);
  reads.answered(1, 7);
  assert.deepEqual(await Promise.all(first), [{ outcome: "ready", index: 7 }, { outcome: "ready", index: 7 }]);
  reads.ask(core);
  reads.answered(2, 6);
  assert.deepEqual(await second, { outcome: "ready", index: 6 });
});

test("a read whose entries never arrive is given up", async () => {
  const { reads, core, request, pass } = setUp(7);
  const read = request();
  reads.ask(core);
  reads.answered(1, 9);
  pass(5000);
  reads.expire();
  assert.deepEqual(await read, { outcome: "no-leader" });
});

test("a fruitless question is put again once a leader is known", () => {
  const { reads, core, asked, request } = setUp(0);
  void request();
  reads.ask(core);
  reads.answered(1, undefined);
  reads.ask(core);
  assert.deepEqual(asked, [1]);
  reads.retry();
  reads.ask(core);
  assert.deepEqual(asked, [1, 2]);
});
