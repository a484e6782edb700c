import assert from "node:assert/strict";
import { test } from "node:test";
import { createLineQueue } from "./line-writer.js";

interface Sending {
  readonly lines: string;
  readonly done: () => void;
  readonly fail: (error: Error) => void;
}

function held() {
  const sendings: Sending[] = [];
  const queue = createLineQueue((lines) => new Promise((done, fail) => void sendings.push({ lines, done, fail })));
  const log: string[] = [];
  const write = (line: string) => queue.write(`${line}\n`).then(() => log.push(line), () => log.push(`!${line}`));
  return { ...queue, write, sendings, log };
}

const turn = () => new Promise((resume) => setImmediate(resume));

test("the lines of a turn leave together, one batch at a time, and none counts as written before its batch is", async () => {
  const { write, sendings, log } = held();
  void write("a");
  void write("b");
  await turn();
  void write("c");
  await turn();
  void write("d");
  await turn();
  assert.deepEqual(sendings.map(({ lines }) => lines), ["a\nb\n"]);
  assert.deepEqual(log, []);
  sendings[0]!.done();
  await turn();
  assert.deepEqual([sendings.map(({ lines }) => lines), log], [["a\nb\n", "c\nd\n"], ["a", "b"]]);
  sendings[1]!.fail(new Error("full"));
  void write("e");
  await turn();
  await turn();
  assert.deepEqual([sendings.length, log], [3, ["a", "b", "!c", "!d"]], "a batch fails alone");
  sendings[2]!.done();
  await turn();
  assert.equal(log.at(-1), "e");
});

test("a step is taken between the lines before it and those after it, and may fail alone", async () => {
  const { write, step, sendings, log } = held();
  void write("a");
  const stepped = step(() => {
    log.push("step");
    throw new Error("no");
  }).catch(() => log.push("!step"));
  void write("b");
  await turn();
  assert.deepEqual([sendings.map(({ lines }) => lines), log], [["a\n"], []]);
  sendings[0]!.done();
  await stepped;
  await turn();
  assert.deepEqual([sendings.map(({ lines }) => lines), log], [["a\n", "b\n"], ["step", "a", "!step"]]);
});
