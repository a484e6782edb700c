import assert from "node:assert/strict";
import test from "node:test";
import { compareOutput, showsFailure, withLearned } from "./shown-output.js";
import type { Learned } from "./shown-output.js";

const UUID = "c0513995-18ac-4de5-9f0d-33936f2bcc92";
const OTHER = "0a1cdcc1-ce5c-4b9c-97b8-c7b719af4151";

test("what is the same every time has to be as shown, to the last line", () => {
  assert.equal(compareOutput(["a    b", "c"], "a  b\nc\n", new Map()), undefined);
  for (const output of ["a b\nd\n", "a b\n", "a b\nc\nd\n", "x\na b\nc\n", ""]) assert.match(compareOutput(["a    b", "c"], output, new Map())!, /shown:[^]*came:/, output);
});

test("dots alone on a line stand for any lines, none among them; in a line, for the rest of a word or more", () => {
  assert.equal(compareOutput(["…", "b", "…"], "a\nb\nc\nd", new Map()), undefined);
  assert.equal(compareOutput(["…", "b", "…"], "b", new Map()), undefined);
  assert.equal(compareOutput(['{…"data":{"x":"PTp…"}…}'], '{"id":1,"data":{"x":"Qz9+"},"auth":null}', new Map()), undefined);
  assert.notEqual(compareOutput(["…", "b"], "a\nb\nc", new Map()), undefined);
});

test("random values differ, by others of their kind only", () => {
  const same = (shown: string, came: string) => compareOutput([shown], came, new Map()) === undefined;
  assert.ok(same(`id  ${UUID}`, `id  ${OTHER}`));
  assert.ok(!same(`id  ${UUID}`, "id  none"));
  assert.ok(same("token hvs.PTqjMlIpu1PgSugLErkh6DY1", "token hvs.3QqDIaoHDxcvrVpyvjo8JxFT"));
  assert.ok(same("at 2026-11-25T01:08:17.745Z", "at 2027-01-02T03:04:05Z"));
  assert.ok(same("vault:v1:LXHhKwvubNESarfPP65uPAfL7W+d==", "vault:v1:Ob5lGa5fATIIHWjGd2DKuO3rpmTyS/x="));
  assert.ok(!same("vault:v1:LXHhKwvubNESarfPP65uPAfL7W+d==", "vault:v2:Ob5lGa5fATIIHWjGd2DKuO3rpmTyS/x="));
  assert.ok(same("accessor  8eW4dCFJId3RJU3TVMKrsKAX", "accessor  qWeRtYuIoPaSdFgHjKlZxCvB"), "without a digit, as one in 68");
  assert.ok(!same("accessor  8eW4dCFJId3RJU3TVMKrsKAX", "accessor  none"));
  assert.ok(same("auth_userpass_95962fce", "auth_userpass_01234567"));
  assert.ok(!same("auth_userpass_95962fce", "auth_cert_01234567"));
});

test("later commands take this run's values for those that were shown, whole or cut", () => {
  const learned: Learned = new Map();
  assert.equal(compareOutput([`id ${UUID}`, "vault:v1:LXHhKwvubNESarfPP65uPAfL7W+d=="], `id ${OTHER}\nvault:v1:Ob5lGa5fATIIHWjGd2DKuO3rpmTyS/x=`, learned), undefined);
  assert.equal(withLearned(`login id="${UUID}"`, learned), `login id="${OTHER}"`);
  assert.equal(withLearned("ciphertext=vault:v1:LXHh…", learned), "ciphertext=vault:v1:Ob5lGa5fATIIHWjGd2DKuO3rpmTyS/x=");
  assert.equal(withLearned("ciphertext=vault:v1:AAAA…", learned), "ciphertext=vault:v1:AAAA…");
});

test("a failure is known by how it is printed", () => {
  assert.equal(showsFailure(["…", "* permission denied"]), true);
  assert.equal(showsFailure(["Key  Value"]), false);
  assert.equal(showsFailure(undefined), false);
});
