import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";
import type { Answer } from "../testing/harness.js";

async function versioned() {
  const harness = await createHarness();
  await harness.mount("secret", "kv", { version: "2" });
  return harness;
}

const errors = ({ status, body }: Answer) => [status, body.errors] as const;

test("each write makes a version, and reads give the newest or the one asked for", async () => {
  const { request } = await versioned();
  const first = await request("POST", "secret/data/a", { data: { v: 1 } });
  assert.equal(first.status, 200);
  assert.deepEqual(first.body["data"], { created_time: "2026-01-01T00:00:00.000Z", custom_metadata: null, deletion_time: "", destroyed: false, version: 1 });
  await request("PUT", "secret/data/a", { data: { v: 2 } });
  assert.deepEqual((await request("GET", "secret/data/a")).body["data"], {
    data: { v: 2 },
    metadata: { created_time: "2026-01-01T00:00:00.000Z", custom_metadata: null, deletion_time: "", destroyed: false, version: 2 },
  });
  const read = async (version: string) => (await request("GET", "secret/data/a", undefined, { query: { version } })).body["data"]?.data as unknown;
  assert.deepEqual([await read("1"), await read("2"), await read("0"), await read("3")], [{ v: 1 }, { v: 2 }, { v: 2 }, undefined]);
});

test("a secret that never was answers 404 without data", async () => {
  const { request } = await versioned();
  assert.deepEqual(errors(await request("GET", "secret/data/none")), [404, []]);
  assert.equal((await request("DELETE", "secret/data/none")).status, 204);
});

test("a write needs data that is a map", async () => {
  const { request } = await versioned();
  assert.deepEqual(errors(await request("POST", "secret/data/a", {})), [400, ["no data provided"]]);
  assert.deepEqual(errors(await request("POST", "secret/data/a", { data: null })), [400, ["no data provided"]]);
  for (const data of ["text", 1, ["a"]]) assert.equal((await request("POST", "secret/data/a", { data })).status, 400);
  assert.equal((await request("POST", "secret/data/a", { data: {} })).status, 200);
  assert.deepEqual((await request("GET", "secret/data/a")).body["data"].data, {});
});

test("members beside data and options draw a warning, and change nothing", async () => {
  const { request } = await versioned();
  const { body } = await request("POST", "secret/data/a", { data: { v: 1 }, vv: 2, path: "b" });
  assert.deepEqual(body.warnings, ["Endpoint ignored these unrecognized parameters: [vv]", "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [path]"]);
  assert.deepEqual((await request("GET", "secret/data/a")).body["data"].data, { v: 1 });
});

test("cas must be the version that the write replaces", async () => {
  const { request } = await versioned();
  const write = (cas: unknown) => request("POST", "secret/data/a", { data: {}, options: { cas } });
  const mismatch = [400, ["check-and-set parameter did not match the current version"]];
  assert.deepEqual(errors(await write(1)), mismatch);
  assert.equal((await write(0)).status, 200);
  assert.deepEqual(errors(await write(0)), mismatch);
  assert.equal((await write("1")).status, 200);
  assert.equal((await write(2)).body["data"].version, 3);
  // As strict as it gets, rather than ignored.
  assert.deepEqual(errors(await write(null)), mismatch);
  for (const cas of ["x", 1.5, [3], {}]) assert.deepEqual(errors(await write(cas)), [400, ["error parsing check-and-set parameter"]]);
});

test("cas can be demanded by the mount or by the secret", async () => {
  const { request } = await versioned();
  const required = [400, ["check-and-set parameter required for this call"]];
  await request("POST", "secret/metadata/a", { cas_required: true });
  assert.deepEqual(errors(await request("POST", "secret/data/a", { data: {} })), required);
  assert.equal((await request("POST", "secret/data/a", { data: {}, options: { cas: 0 } })).status, 200);
  assert.deepEqual(errors(await request("PATCH", "secret/data/a", { data: {} })), required);
  assert.equal((await request("POST", "secret/data/b", { data: {} })).status, 200);
  await request("POST", "secret/config", { cas_required: true });
  assert.deepEqual(errors(await request("POST", "secret/data/b", { data: {} })), required);
});

test("of two writers that both create a secret with cas=0, one wins", async () => {
  const { request } = await versioned();
  const write = (who: string) => request("POST", "secret/data/race", { data: { who }, options: { cas: 0 } });
  const answers = await Promise.all(["a", "b", "c", "d"].map(write));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400, 400, 400]);
  const winner = ["a", "b", "c", "d"][answers.findIndex(({ status }) => status === 200)];
  const { body } = await request("GET", "secret/data/race");
  assert.deepEqual([body["data"].data.who, body["data"].metadata.version], [winner, 1]);
});

test("concurrent writes without cas each get a version of their own", async () => {
  const { request } = await versioned();
  const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => request("POST", "secret/data/busy", { data: { i } })));
  assert.deepEqual(answers.map(({ body }) => body["data"].version as number).sort(), [1, 2, 3, 4, 5, 6, 7, 8]);
});

test("a deleted version answers 404 with its metadata, and others stay readable", async () => {
  const { request, clock } = await versioned();
  for (const v of [1, 2]) await request("POST", "secret/data/a", { data: { v } });
  clock.advance(1);
  assert.equal((await request("DELETE", "secret/data/a")).status, 204);
  const deleted = await request("GET", "secret/data/a");
  assert.deepEqual([deleted.status, deleted.body.errors, deleted.body["data"]], [
    404,
    undefined,
    { data: null, metadata: { created_time: "2026-01-01T00:00:00.000Z", custom_metadata: null, deletion_time: "2026-01-01T00:00:01.000Z", destroyed: false, version: 2 } },
  ]);
  assert.deepEqual((await request("GET", "secret/data/a", undefined, { query: { version: "1" } })).body["data"].data, { v: 1 });
  clock.advance(1);
  await request("DELETE", "secret/data/a");
  assert.equal((await request("GET", "secret/data/a")).body["data"].metadata.deletion_time, "2026-01-01T00:00:01.000Z");
  assert.equal((await request("POST", "secret/data/a", { data: { v: 3 } })).body["data"].version, 3);
});

test("a patch merges into the newest version: null removes, maps merge, lists are replaced", async () => {
  const { request } = await versioned();
  await request("POST", "secret/data/a", { data: { keep: 1, drop: 2, map: { x: 1, y: 2 }, list: [1, 2] } });
  const patched = await request("PATCH", "secret/data/a", { data: { drop: null, map: { y: null, z: 3 }, list: [9], new: { inner: null, kept: 1 } } });
  assert.deepEqual([patched.status, patched.body["data"].version], [200, 2]);
  assert.deepEqual((await request("GET", "secret/data/a")).body["data"].data, { keep: 1, map: { x: 1, z: 3 }, list: [9], new: { kept: 1 } });
  assert.equal((await request("PATCH", "secret/data/a", { data: { keep: 2 }, options: { cas: 1 } })).status, 400);
  assert.equal((await request("PATCH", "secret/data/a", { data: { keep: 2 }, options: { cas: 2 } })).status, 200);
});

test("a patch cannot smuggle in a prototype", async () => {
  const { request } = await versioned();
  await request("POST", "secret/data/a", '{"data":{"a":1}}');
  await request("PATCH", "secret/data/a", '{"data":{"__proto__":{"b":2},"constructor":{"c":3}}}');
  assert.equal((await request("GET", "secret/data/a")).text.includes('"data":{"a":1,"__proto__":{"b":2},"constructor":{"c":3}}'), true);
  assert.equal(({} as Record<string, unknown>)["b"], undefined);
});

test("a patch needs the merge-patch content type, and something to patch", async () => {
  const { request } = await versioned();
  assert.deepEqual(errors(await request("PATCH", "secret/data/none", { data: { a: 1 } })), [404, []]);
  await request("POST", "secret/data/a", { data: { a: 1 } });
  assert.equal((await request("PATCH", "secret/data/a", { data: { a: 2 } }, { contentType: "application/json" })).status, 415);
  assert.deepEqual(errors(await request("PATCH", "secret/data/a", {})), [400, ["no data provided"]]);
  await request("DELETE", "secret/data/a");
  const gone = await request("PATCH", "secret/data/a", { data: { a: 2 } });
  assert.deepEqual([gone.status, gone.body["data"].version, gone.body["data"].deletion_time], [404, 1, "2026-01-01T00:00:00.000Z"]);
});

test("a version ends by itself after delete_version_after: the shorter of the mount's and the secret's", async () => {
  const { request, clock } = await versioned();
  await request("POST", "secret/config", { delete_version_after: "1h" });
  await request("POST", "secret/metadata/short", { delete_version_after: "10s" });
  await request("POST", "secret/metadata/long", { delete_version_after: "3h" });
  const ends = async (path: string) => (await request("POST", `secret/data/${path}`, { data: { v: 1 } })).body["data"].deletion_time as string;
  assert.deepEqual([await ends("short"), await ends("long"), await ends("plain")], ["2026-01-01T00:00:10.000Z", "2026-01-01T01:00:00.000Z", "2026-01-01T01:00:00.000Z"]);
  const status = async () => (await request("GET", "secret/data/short")).status;
  clock.advance(9);
  assert.equal(await status(), 200);
  clock.advance(1);
  assert.equal(await status(), 404);
  await request("POST", "secret/config", { delete_version_after: "-1s" });
  assert.deepEqual([await ends("short"), await ends("plain")], ["", ""]);
});

test("a write needs create for a new secret and update for one that has metadata", async () => {
  const { request, tokenWith } = await versioned();
  const token = await tokenWith('path "secret/data/*" { capabilities = ["create"] }');
  const write = async (path: string) => (await request("POST", `secret/data/${path}`, { data: {} }, { token })).status;
  assert.deepEqual([await write("a"), await write("a")], [200, 403]);
  await request("POST", "secret/metadata/b", { max_versions: 1 });
  assert.equal(await write("b"), 403);
});

test("numbers beyond 2^53 and long fractions keep their digits, through writes and patches", async () => {
  const { request } = await versioned();
  await request("POST", "secret/data/n", '{"data":{"big":12345678901234567890,"fine":0.12345678901234567890,"list":[9007199254740993],"isLosslessNumber":true}}');
  const expected = '{"big":12345678901234567890,"fine":0.12345678901234567890,"list":[9007199254740993],"isLosslessNumber":true';
  assert.ok((await request("GET", "secret/data/n")).text.includes(`"data":${expected}}`));
  await request("PATCH", "secret/data/n", '{"data":{"more":98765432109876543210}}');
  assert.ok((await request("GET", "secret/data/n")).text.includes(`"data":${expected},"more":98765432109876543210}`));
});

test("odd names are names like any other", async () => {
  const { request } = await versioned();
  const names = ["käse/größe", "with space", "100%", "50%25", "a+b", "*", "a*", "+", "😀", "q?x=1", "#frag", "a.b", "...", "metadata", "data/data", "1", "a/1", "v".repeat(500)];
  for (const name of names) assert.equal((await request("POST", `secret/data/${name}`, { data: { name } })).status, 200, name);
  for (const name of names) assert.deepEqual((await request("GET", `secret/data/${name}`)).body["data"].data, { name });
  const { body } = await request("SCAN", "secret/metadata/");
  assert.deepEqual([...(body["data"].keys as string[])].sort(), [...names].sort());
  for (const name of names) assert.equal((await request("DELETE", `secret/metadata/${name}`)).status, 204);
  assert.equal((await request("LIST", "secret/metadata/")).status, 404);
});

test("a name too long to be stored is refused", async () => {
  const { request } = await versioned();
  assert.deepEqual(errors(await request("POST", `secret/data/${"x".repeat(5000)}`, { data: {} })), [400, ["invalid path"]]);
  assert.equal((await request("GET", `secret/data/${"x".repeat(5000)}`)).status, 404);
});

test("those who ask as in version 1 are told where to look", async () => {
  const { request } = await versioned();
  const hint = async (method: "GET" | "POST" | "LIST" | "DELETE" | "PATCH", path: string) => {
    const { status, body } = await request(method, path, method === "POST" || method === "PATCH" ? { a: 1 } : undefined);
    return [status, body["data"], body.warnings?.[0]?.replace(/^.*(vault kv \w+).*$/, "$1")];
  };
  assert.deepEqual(await hint("GET", "secret/foo"), [404, null, "vault kv get"]);
  assert.deepEqual(await hint("POST", "secret/foo/bar"), [404, null, "vault kv put"]);
  assert.deepEqual(await hint("LIST", "secret/"), [404, null, "vault kv list"]);
  assert.deepEqual(await hint("DELETE", "secret/foo"), [404, null, "vault kv delete"]);
  assert.deepEqual(await hint("PATCH", "secret/foo"), [404, null, "vault kv patch"]);
  assert.deepEqual(await hint("GET", "secret/data"), [404, null, "Non-listing operations on the root of a K/V v2 mount are not supported."]);
});
