import assert from "node:assert/strict";
import { test } from "node:test";
import { policiesForToken } from "./policies.js";

const ask = (asked: string[] | undefined, parentPolicies: string[], { isSudo = false, noDefaultPolicy = false } = {}) => policiesForToken({ asked, noDefaultPolicy, parentPolicies, isSudo });
const SUBSET = /child policies must be subset of parent/;

test("a child inherits its parent's policies, and no more", () => {
  assert.deepEqual(ask(undefined, ["default", "a"]), ["a", "default"]);
  assert.deepEqual(ask([], ["a"]), ["a"]);
  assert.deepEqual(ask(undefined, ["default", "a"], { noDefaultPolicy: true }), ["a"]);
  assert.deepEqual(ask(undefined, ["root"]), ["root"]);
});

test("without sudo a child gets a subset, and default only where its parent has it", () => {
  assert.deepEqual(ask(["a"], ["default", "a", "b"]), ["a", "default"]);
  assert.deepEqual(ask(["a"], ["a", "b"]), ["a"]);
  assert.throws(() => ask(["c"], ["default", "a"]), SUBSET);
  assert.throws(() => ask(["default"], ["a"]), SUBSET);
  assert.throws(() => ask(["root"], ["default"]), SUBSET);
});

test("with sudo a child gets any policy but root", () => {
  assert.deepEqual(ask(["c"], ["a"], { isSudo: true }), ["c", "default"]);
  assert.deepEqual(ask(["c", "default"], ["a"], { isSudo: true, noDefaultPolicy: true }), ["c"]);
  assert.throws(() => ask(["root"], ["a"], { isSudo: true }), /root tokens may not be created without parent token being root/);
});

test("root stands alone", () => {
  assert.deepEqual(ask(["a", "root", "default"], ["root"], { isSudo: true }), ["root"]);
});

test("names are trimmed, lower-cased, sorted and given once", () => {
  assert.deepEqual(ask([" B", "a", "b ", ""], ["root"], { isSudo: true }), ["a", "b", "default"]);
});

test("the system's own policies are not to be had", () => {
  for (const name of ["response-wrapping", "control-group"]) assert.throws(() => ask([name], ["root"], { isSudo: true }), new RegExp(`cannot assign policy "${name}"`));
});
