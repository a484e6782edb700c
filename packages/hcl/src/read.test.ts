import assert from "node:assert/strict";
import test from "node:test";
import { HclError } from "./ast.js";
import { closest } from "./closest.js";
import { parseDuration } from "./duration.js";
import { parseHcl } from "./parser.js";
import { readBody } from "./read.js";
import type { BodyReader } from "./read.js";

const read = (text: string, file = "v.hcl") => readBody(parseHcl(text, file));

function problem(text: string, act: (body: BodyReader) => unknown): string {
  try {
    act(read(text));
  } catch (error) {
    assert.ok(error instanceof HclError, String(error));
    return error.message;
  }
  return assert.fail("no error");
}

test("values are read by their kind, and numbers and booleans also from strings", () => {
  const body = read('a = "x"\nb = "12"\nc = 12\nd = "true"\ne = 0\nf = "1h30m"\ng = 90\nh = "x, y"\ni = ["x", 1]\nj = null\nk = ""\n');
  assert.deepEqual([body.string("a"), body.string("c"), body.string("j"), body.string("nothing")], ["x", "12", undefined, undefined]);
  assert.deepEqual([body.int("b"), body.int("c")], [12, 12]);
  assert.deepEqual([body.bool("d"), body.bool("e"), body.bool("k")], [true, false, false]);
  assert.deepEqual([body.durationSeconds("f"), body.durationSeconds("g")], [5400, 90]);
  assert.deepEqual([body.strings("h"), body.strings("i"), body.strings("k")], [["x", "y"], ["x", "1"], []]);
  body.end();
});

test("a value of the wrong kind is named with its place", () => {
  assert.equal(problem("x = []", (b) => b.string("x")), "v.hcl:1:5: x takes a string, not a list");
  assert.equal(problem("x = 1.5", (b) => b.int("x")), "v.hcl:1:5: x takes a whole number, not 1.5");
  assert.equal(problem('x = "9007199254740993"', (b) => b.int("x")), 'v.hcl:1:5: x takes a whole number, not the string "9007199254740993"');
  assert.equal(problem('\n\n  x = "on"', (b) => b.bool("x")), 'v.hcl:3:7: x takes true or false, not the string "on"');
  assert.equal(problem("x = {}", (b) => b.bool("x")), "v.hcl:1:5: x takes true or false, not a block");
  assert.equal(problem('ttl = "soon"', (b) => b.durationSeconds("ttl")), 'v.hcl:1:7: ttl takes a duration such as "10s", "24h" or "30d", not the string "soon"');
  assert.match(problem("ttl = -1", (b) => b.durationSeconds("ttl")), /takes a duration/);
  assert.equal(problem('x = ["a",\n true]', (b) => b.strings("x")), "v.hcl:2:2: x takes strings, not true");
  assert.equal(problem("x {}", (b) => b.string("x")), "v.hcl:1:1: x takes a value (x = …), not a block");
  assert.equal(problem("x = 1", (b) => b.blocks("x")), "v.hcl:1:5: x takes a block ({ … }), not 1");
});

test("a key that is given twice is refused at its second place", () => {
  assert.equal(problem("x = 1\nx = 2", (b) => b.int("x")), "v.hcl:2:1: x is given twice");
  assert.equal(problem("x = 1\nx = 2", (b) => b.stringMap()), "v.hcl:2:1: x is given twice");
  assert.equal(problem("x {}\nx {}", (b) => b.object("x")), "v.hcl:2:1: x is given twice");
});

test("an unknown key is refused, with the known one it resembles", () => {
  const end = (body: BodyReader) => {
    body.string("address");
    body.bool("ui");
    body.end();
  };
  assert.equal(problem('\n  adress = "x"', end), 'v.hcl:2:3: unknown key "adress"; did you mean "address"?');
  assert.equal(problem("quite_different = 1", end), 'v.hcl:1:1: unknown key "quite_different"');
  assert.equal(problem("x = 1", end), 'v.hcl:1:1: unknown key "x"');
});

test("the nearest name is a slip of the fingers away, or none", () => {
  assert.equal(closest("retry_jion", ["retry_join", "path"]), "retry_join");
  assert.equal(closest("iu", ["ui"]), undefined);
  assert.equal(closest("u", ["ui"]), undefined);
  assert.equal(closest("a".repeat(1000), ["a".repeat(999)]), undefined);
});

test("blocks have the same labels in every way of writing them", () => {
  const forms = [
    'listener "tcp" { address = "x" }\nlistener "tcp" { address = "y" }',
    'listener = { tcp = [{ address = "x" }, { address = "y" }] }',
    'listener = [{ tcp { address = "x" } }, { tcp { address = "y" } }]',
    '{"listener": {"tcp": [{"address": "x"}, {"address": "y"}]}}',
    '{"listener": [{"tcp": {"address": "x"}}, {"tcp": {"address": "y"}}]}',
  ];
  for (const form of forms) {
    const blocks = read(form).blocks("listener", 1);
    assert.deepEqual(blocks.map(({ labels, body }) => [labels, body.string("address")]), [[["tcp"], "x"], [["tcp"], "y"]], form);
  }
});

test("a block whose only content is a block is not taken for a label", () => {
  const [tcp] = read('{"listener": {"tcp": {"telemetry": {"x": "1"}}}}').blocks("listener", 1);
  assert.deepEqual([tcp?.labels, tcp?.body.blocks("telemetry")[0]?.body.string("x")], [["tcp"], "1"]);
});

test("several labelled blocks in one JSON object are all found", () => {
  const paths = read('{"path": {"a/*": {"capabilities": ["read"]}, "b": {"capabilities": ["list"]}}}').blocks("path", 1);
  assert.deepEqual(paths.map(({ labels, body }) => [labels[0], body.strings("capabilities")]), [["a/*", ["read"]], ["b", ["list"]]]);
});

test("free-form strings come as a map, keys of Object's own among them", () => {
  const map = read('a = "x"\nb = 1\nc = true\n__proto__ = "y"\n').stringMap();
  assert.deepEqual(Object.entries(map), [["a", "x"], ["b", "1"], ["c", "true"], ["__proto__", "y"]]);
  assert.equal(problem("a = [1]", (b) => b.stringMap()), "v.hcl:1:5: a takes a string, not a list");
  assert.equal(problem("a { }", (b) => b.stringMap()), "v.hcl:1:1: a takes a value (a = …), not a block");
});

test("durations: Go's units, days, and plain seconds, as far as 64 bits of nanoseconds reach", () => {
  assert.deepEqual(["10s", "1h30m", "30d", "90", "500ms", "-5s", " 1m "].map(parseDuration), [10, 5400, 2_592_000, 90, 0.5, -5, 60]);
  for (const bad of ["", "s", "10x", "1h2", "1e3s", "1 h", "NaN", "Infinity", "9".repeat(400), "9".repeat(400) + "h", "300000000h"]) assert.equal(parseDuration(bad), undefined, bad);
});
