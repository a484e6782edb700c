import assert from "node:assert/strict";
import test from "node:test";
import { RequestError } from "../errors.js";
import { buildInput, compileEngine, data, definePath, field, openApiDocument, parseDocument, stringifyDocument } from "./index.js";
import type { Engine } from "./index.js";

const role = definePath({
  template: "roles/{name}",
  help: { synopsis: "Manage a role.", description: "" },
  fields: {
    name: field.string({ description: "Name of the role.", required: true }),
    ttl: field.duration({ description: "TTL.", default: 0 }),
    tags: field.commaList({ description: "Tags." }),
  },
  operations: {
    read: { effect: "read", summary: "Read it.", handler: ({ input }) => data({ name: input.name.toUpperCase(), ttl: input.ttl + 1, tags: input.tags ?? null }) },
  },
});
const lookup = definePath({ template: "roles/lookup", help: { synopsis: "Look up.", description: "" }, fields: {}, operations: { read: { effect: "read", summary: "x", handler: () => undefined } } });
const rest = definePath({ template: "data/{path...}", help: { synopsis: "Data.", description: "" }, fields: { path: field.string({ description: "Path.", required: true }) }, operations: { list: { effect: "read", summary: "x", handler: () => undefined } } });
const engine: Engine = { type: "test", table: "secret", help: "Test.", paths: [role, lookup, rest] };

// @ts-expect-error a template parameter needs a field
definePath({ template: "keys/{id}", help: { synopsis: "", description: "" }, fields: {}, operations: {} });
definePath({
  template: "x",
  help: { synopsis: "", description: "" },
  fields: { n: field.int({ description: "n" }) },
  operations: {
    // @ts-expect-error a field that was not declared
    read: { effect: "read", summary: "", handler: ({ input }) => data({ m: input.m }) },
    // @ts-expect-error a read has no storage to write to
    list: { effect: "read", summary: "", handler: (_request, storage) => void storage.put("a", null, 1) },
  },
});

test("literals win over parameters, parameters over the rest", () => {
  const compiled = compileEngine(engine);
  assert.equal(compiled.match("roles/lookup", false)?.declaration, lookup);
  assert.deepEqual(compiled.match("roles/app", false)?.parameters, { name: "app" });
  assert.deepEqual(compiled.match("data/a/b/", true)?.parameters, { path: "a/b" });
  assert.equal(compiled.match("data/", false), undefined);
  assert.deepEqual(compiled.match("data", true)?.parameters, { path: "" });
  assert.equal(compiled.match("roles/a/b", false), undefined);
});

test("input: coercion, defaults, warnings, errors that name the field", () => {
  const match = compileEngine(engine).match("roles/app", false)!;
  const built = buildInput(match, { ttl: "1h", tags: "a, b", name: "other", extra: 1 }, true);
  assert.deepEqual(built.input, { name: "app", ttl: 3600, tags: ["a", "b"] });
  assert.deepEqual(built.warnings, [
    "Endpoint ignored these unrecognized parameters: [extra]",
    "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [name]",
  ]);
  assert.throws(() => buildInput(match, { ttl: "soon" }, true), (error: RequestError) => error instanceof RequestError && error.status === 400 && error.message.includes('"ttl"'));
  assert.throws(() => buildInput(match, { ttl: -1 }, true), RequestError);
  assert.throws(() => buildInput(match, { tags: { a: 1 } }, true), RequestError);
});

test("a truth value is a word or a digit for it, and no other number", () => {
  const { kind } = field.bool({ description: "" });
  for (const [given, value] of [[true, true], ["t", true], [1, true], ["0", false], [0, false], ["", false]] as const) assert.deepEqual(kind.parse(given), { ok: true, value });
  for (const given of [5, -1, 0.5, NaN, "x", "é", [], {}]) assert.equal(kind.parse(given).ok, false, String(given));
});

test("documents keep numbers that a double cannot hold", () => {
  const text = '{"big":12345678901234567890,"pi":3.14159265358979323846,"small":5,"s":"12345678901234567890"}';
  assert.equal(stringifyDocument(parseDocument(text)), text);
  assert.throws(() => parseDocument("[".repeat(400) + "]".repeat(400)), RequestError);
  assert.throws(() => parseDocument("{"), RequestError);
  assert.equal(Object.getPrototypeOf(parseDocument('{"__proto__":{"x":1}}')), Object.prototype);
});

test("OpenAPI comes from the declarations", () => {
  const document = openApiDocument([{ mount: "t/", engine }], "1.0") as { paths: Record<string, { parameters: unknown[]; get: { parameters?: { name: string }[] } }> };
  assert.deepEqual(Object.keys(document.paths), ["/t/roles/{name}", "/t/roles/lookup", "/t/data/{path}"]);
  assert.deepEqual(document.paths["/t/roles/{name}"]!.get.parameters!.map(({ name }) => name), ["ttl", "tags"]);
});
