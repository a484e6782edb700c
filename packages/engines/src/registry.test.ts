import assert from "node:assert/strict";
import { test } from "node:test";
import { compileEngine, definePath, field, jsonCodec, openApiDocument } from "@coffer/state-machine";
import type { AnyPath, Engine, Field, OperationName } from "@coffer/state-machine";
import { PLUGINS } from "./database/plugins.js";
import { allEngines, databasePlugins, engineFor, mountableTypes } from "./registry.js";
import { createHarness } from "./testing/harness.js";
import type { Method } from "./testing/harness.js";

/** What every engine of the registry promises, whatever it does. */
const METHODS = { read: "GET", list: "LIST", scan: "SCAN", update: "POST", patch: "PATCH", delete: "DELETE" } as const satisfies Record<OperationName, Method>;
const engines = allEngines();
const paths: readonly (readonly [string, Engine, AnyPath])[] = engines.flatMap((engine, i) => engine.paths.map((path) => [`${engine.type} ${i}: ${path.template}`, engine, path] as const));

const fieldsOf = (path: AnyPath) => Object.entries(path.fields as Record<string, Field<unknown>>);
const parametersOf = (path: AnyPath) => [...path.template.matchAll(/\{(\w+)(?:\.\.\.)?\}/g)].map(([, name]) => name!);
const operationsOf = (path: AnyPath) => Object.keys(path.operations) as OperationName[];
const samplePath = ({ template }: AnyPath) => template.replace(/\{\w+\.\.\.\}/, "sample/path").replace(/\{\w+\}/g, "sample");

/** Every engine at a place of its own; those of the house are where they are. */
async function mounted() {
  const harness = await createHarness();
  const places = new Map<Engine, string>();
  await harness.mount("one", "kv", { version: "1" });
  await harness.mount("two", "kv", { version: "2" });
  const auths = mountableTypes.auth;
  const secrets = mountableTypes.secret.filter((type) => type !== "kv");
  for (const type of secrets) await harness.mount(type, type);
  for (const type of auths) await harness.mount(`auth/${type}`, type);
  for (const place of ["one/", "two/", "cubbyhole/", "identity/", "auth/token/", ...secrets.map((type) => `${type}/`), ...auths.map((type) => `auth/${type}/`)]) {
    const { body } = await harness.request("GET", place.startsWith("auth/") ? "sys/auth" : "sys/mounts");
    const { type, options } = body[place.replace(/^auth\//, "")] as { type: string; options: Record<string, string> | null };
    places.set(engineFor({ type, options, table: place.startsWith("auth/") ? "auth" : "secret" })!.engine, place);
  }
  return { ...harness, places };
}

test("the plugins that the catalog lists are those that the database engine has", () => {
  assert.deepEqual(databasePlugins, [...PLUGINS.keys()].sort());
});

test("every path, field and operation says what it is for", () => {
  const isSentence = (text: string) => /^[A-Z].*[.:)]$/s.test(text.trim());
  for (const [name, engine, path] of paths) {
    assert.ok(isSentence(engine.help), name);
    assert.ok(isSentence(path.help.synopsis), `${name}: synopsis`);
    assert.ok(isSentence(path.help.description), `${name}: description`);
    for (const [key, { description }] of fieldsOf(path)) assert.ok(isSentence(description), `${name}: field ${key}`);
    assert.ok(operationsOf(path).length > 0, name);
    for (const operation of operationsOf(path)) assert.ok(isSentence(path.operations[operation]!.summary), `${name}: ${operation}`);
  }
});

test("who can tell the role of a login before it is checked can tell it of the token too", () => {
  for (const engine of engines) {
    const tells = engine.paths.some(({ operations }) => Object.values(operations).some((operation) => operation?.effect === "write" && operation.roleOf !== undefined));
    assert.equal(engine.roleOfLogin !== undefined, tells, engine.type);
  }
});

test("every parameter of a template is a required field", () => {
  for (const [name, , path] of paths) for (const parameter of parametersOf(path)) assert.equal(Object.fromEntries(fieldsOf(path))[parameter]?.required, true, `${name}: ${parameter}`);
});

test("every default is a value of its field's kind", () => {
  for (const [name, , path] of paths) {
    for (const [key, declared] of fieldsOf(path)) {
      if (declared.default === undefined) continue;
      assert.deepEqual(declared.kind.parse(declared.default), { ok: true, value: declared.default }, `${name}: ${key}`);
    }
  }
});

test("every path is reached by its own template", () => {
  for (const [name, engine, path] of paths) {
    const compiled = compileEngine(engine);
    for (const operation of operationsOf(path)) assert.equal(compiled.match(samplePath(path), operation === "list" || operation === "scan")?.declaration, path, `${name}: ${operation}`);
  }
});

test("every engine is served where it is mounted, and its type can be had", async () => {
  const { places } = await mounted();
  assert.equal(places.size, engines.length);
  const ofTheHouse = ["cubbyhole", "identity", "token"];
  for (const { type, table } of engines) assert.ok(ofTheHouse.includes(type) || mountableTypes[table].includes(type), type);
  assert.equal(engineFor({ type: "none", table: "secret", options: null }), undefined);
  assert.equal(engineFor({ type: "token", table: "secret", options: null }), undefined);
});

test("what is declared as a read writes nothing", async () => {
  const { request, places, store } = await mounted();
  for (const [name, engine, path] of paths) {
    const required = Object.fromEntries(fieldsOf(path).filter(([key, declared]) => declared.required && !parametersOf(path).includes(key)).map(([key]) => [key, "sample"]));
    for (const operation of operationsOf(path).filter((one) => path.operations[one]!.effect === "read")) {
      const before = store.index();
      await request(METHODS[operation], places.get(engine)! + samplePath(path), operation === "update" || operation === "patch" ? { ...required, more: 1 } : undefined);
      assert.equal(store.index(), before, `${name}: ${operation}`);
    }
  }
});

test("a handler of a read cannot even be written so that it writes", () => {
  const codec = jsonCodec<number>();
  definePath({
    template: "x",
    help: { synopsis: "", description: "" },
    fields: {},
    operations: {
      read: {
        effect: "read",
        summary: "",
        handler: (_request, storage) => {
          // @ts-expect-error -- a read's storage has no put
          void storage.put;
          return undefined;
        },
      },
    },
  });
  // @ts-expect-error -- a template parameter needs a field
  definePath({ template: "y/{name}", help: { synopsis: "", description: "" }, fields: { other: field.string({ description: "" }) }, operations: {} });
  assert.deepEqual(codec.decode(codec.encode(1)), 1);
});

test("every path answers ?help=1 with its help and an OpenAPI document", async () => {
  const { request, places } = await mounted();
  for (const [name, engine, path] of paths) {
    const { status, body } = await request("HELP", places.get(engine)! + samplePath(path));
    assert.equal(status, 200, name);
    assert.ok((body["help"] as string).includes(path.help.synopsis), name);
    for (const [key] of fieldsOf(path)) assert.ok((body["help"] as string).includes(key), `${name}: ${key}`);
    checkOpenApi(body["openapi"] as OpenApi);
  }
  for (const [engine, place] of places) {
    const { status, body } = await request("HELP", place);
    assert.equal(status, 200, place);
    assert.ok((body["help"] as string).includes(engine.help), place);
    checkOpenApi(body["openapi"] as OpenApi);
  }
});

interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>> & { readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean; readonly schema: object }[] }>>;
}
interface OpenApiOperation {
  readonly summary: string;
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: { readonly type: string; readonly properties: object } }>> };
}

function checkOpenApi(document: OpenApi): void {
  assert.match(document.openapi, /^3\.0\./);
  const ids: string[] = [];
  for (const [path, item] of Object.entries(document.paths)) {
    assert.ok(path.startsWith("/") && !path.endsWith("/") && !path.includes("..."), path);
    const declared = item.parameters.filter((one) => one.in === "path" && one.required).map(({ name }) => name);
    assert.deepEqual(declared, [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name), path);
    const operations = ["get", "post", "patch", "delete"].flatMap((method) => (item[method] ? [item[method] as OpenApiOperation] : []));
    assert.ok(operations.length > 0, path);
    for (const { summary, operationId, responses, requestBody } of operations) {
      assert.ok(summary !== "" && /^[\w-]+$/.test(operationId), path);
      assert.ok(Object.entries(responses).length > 0 && Object.entries(responses).every(([status, { description }]) => /^[2-5]\d\d$/.test(status) && description !== ""), path);
      for (const { schema } of Object.values(requestBody?.content ?? {})) assert.equal(schema.type, "object", path);
      ids.push(operationId);
    }
  }
  assert.equal(new Set(ids).size, ids.length, "operation ids are unique");
}

test("the OpenAPI document of all engines is well-formed, and says what goes over the wire", async () => {
  const { request, places } = await mounted();
  const all = openApiDocument([...places].map(([engine, mount]) => ({ mount, engine })), "1") as unknown as OpenApi;
  checkOpenApi(all);
  assert.deepEqual(JSON.parse(JSON.stringify(all)), all);
  const { status, body } = await request("GET", "sys/internal/specs/openapi");
  assert.equal(status, 200);
  for (const [engine, place] of places) for (const { template } of engine.paths) assert.ok(`/${place}${template}`.replaceAll("...}", "}") in (body["paths"] as object), place + template);
});
