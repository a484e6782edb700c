import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";

async function versioned() {
  const harness = await createHarness();
  await harness.mount("secret", "kv", { version: "2" });
  const write = async (path: string, data: Record<string, unknown> = {}) => void (await harness.request("POST", `secret/data/${path}`, { data }));
  const metadata = async (path: string) => (await harness.request("GET", `secret/metadata/${path}`)).body["data"];
  return { ...harness, write, metadata };
}

const CREATED = "2026-01-01T00:00:00.000Z";

test("metadata tells a secret's settings and versions", async () => {
  const { request, write, metadata, clock } = await versioned();
  await write("a");
  clock.advance(60);
  await write("a");
  await request("DELETE", "secret/data/a");
  assert.deepEqual(await metadata("a"), {
    cas_required: false,
    created_time: CREATED,
    current_version: 2,
    custom_metadata: null,
    delete_version_after: "0s",
    max_versions: 0,
    oldest_version: 0,
    updated_time: "2026-01-01T00:01:00.000Z",
    versions: {
      "1": { created_time: CREATED, deletion_time: "", destroyed: false },
      "2": { created_time: "2026-01-01T00:01:00.000Z", deletion_time: "2026-01-01T00:01:00.000Z", destroyed: false },
    },
  });
  assert.equal((await request("GET", "secret/metadata/none")).status, 404);
});

test("settings may come before the first version", async () => {
  const { request, metadata } = await versioned();
  assert.equal((await request("POST", "secret/metadata/a", {})).status, 204);
  assert.equal((await request("GET", "secret/metadata/a")).status, 404);
  assert.equal((await request("POST", "secret/metadata/a", { max_versions: "3", cas_required: "true", delete_version_after: "90m", custom_metadata: { team: "x" } })).status, 204);
  const { current_version, max_versions, cas_required, delete_version_after, custom_metadata, versions } = await metadata("a");
  assert.deepEqual({ current_version, max_versions, cas_required, delete_version_after, custom_metadata, versions }, { current_version: 0, max_versions: 3, cas_required: true, delete_version_after: "1h30m0s", custom_metadata: { team: "x" }, versions: {} });
  assert.equal((await request("GET", "secret/data/a")).status, 404);
  assert.equal((await request("GET", "secret/data/a")).body["data"], undefined);
});

test("a write of settings leaves those that it does not name", async () => {
  const { request, metadata } = await versioned();
  await request("POST", "secret/metadata/a", { max_versions: 3, custom_metadata: { team: "x", old: "y" } });
  await request("POST", "secret/metadata/a", { custom_metadata: { team: "z" } });
  assert.deepEqual([(await metadata("a")).max_versions, (await metadata("a")).custom_metadata], [3, { team: "z" }]);
  await request("POST", "secret/metadata/a", { custom_metadata: {} });
  assert.equal((await metadata("a")).custom_metadata, null);
});

test("a patch merges custom metadata, and null sets back", async () => {
  const { request, metadata } = await versioned();
  assert.equal((await request("PATCH", "secret/metadata/a", { max_versions: 1 })).status, 404);
  await request("POST", "secret/metadata/a", { max_versions: 3, cas_required: true, delete_version_after: "1h", custom_metadata: { keep: "1", drop: "2" } });
  assert.equal((await request("PATCH", "secret/metadata/a", { custom_metadata: { drop: null, new: "3" } })).status, 204);
  assert.deepEqual((await metadata("a")).custom_metadata, { keep: "1", new: "3" });
  await request("PATCH", "secret/metadata/a", { max_versions: null, cas_required: null, delete_version_after: null, custom_metadata: null });
  const { max_versions, cas_required, delete_version_after, custom_metadata } = await metadata("a");
  assert.deepEqual({ max_versions, cas_required, delete_version_after, custom_metadata }, { max_versions: 0, cas_required: false, delete_version_after: "0s", custom_metadata: null });
});

test("custom metadata keeps within its limits, counted in bytes", async () => {
  const { request } = await versioned();
  const write = async (custom_metadata: unknown) => {
    const { status, body } = await request("POST", "secret/metadata/a", { custom_metadata });
    return status === 204 ? "ok" : body.errors![0];
  };
  const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, "v"]));
  const error = (text: string) => `1 error occurred:\n\t* custom_metadata validation failed: ${text}\n\n`;
  assert.equal(await write(keys(64)), "ok");
  assert.equal(await write(keys(65)), error("payload must contain at most 64 keys, provided 65"));
  assert.equal(await write({ ["k".repeat(128)]: "v".repeat(512) }), "ok");
  assert.equal(await write({ ["k".repeat(129)]: "v" }), error(`length of key "${"k".repeat(129)}" is 129 but must be 0 < len(key) <= 128`));
  assert.equal(await write({ k: "ü".repeat(257) }), error('length of value for key "k" is 514 but must be 0 < len(value) <= 512'));
  assert.equal(await write({ "": "v" }), error('length of key "" is 0 but must be 0 < len(key) <= 128'));
  assert.equal(await write({ k: "" }), error('length of value for key "k" is 0 but must be 0 < len(value) <= 512'));
  assert.equal(await write({ "größe 😀": "a b" }), "ok");
  assert.equal(await write({ k: "line\nbreak" }), error('value for key "k" contains unprintable characters'));
  assert.equal(await write({ a: "", b: "" }), '2 errors occurred:\n\t* custom_metadata validation failed: length of value for key "a" is 0 but must be 0 < len(value) <= 512\n\t* custom_metadata validation failed: length of value for key "b" is 0 but must be 0 < len(value) <= 512\n\n');
  assert.equal(await write({ k: { nested: 1 } }), "custom_metadata validation failed: expected a string, got a map");
  for (const value of ["a=b", ["a=b"]]) assert.match((await write(value))!, /expected a map/);
});

test("custom metadata is text: scalars are converted, and shown with every version", async () => {
  const { request, write, metadata } = await versioned();
  await request("POST", "secret/metadata/a", '{"custom_metadata":{"n":5,"yes":true,"no":false,"big":12345678901234567890}}');
  const expected = { n: "5", yes: "1", no: "0", big: "12345678901234567890" };
  assert.deepEqual((await metadata("a")).custom_metadata, expected);
  await write("a");
  assert.deepEqual((await request("GET", "secret/data/a")).body["data"].metadata.custom_metadata, expected);
});

test("old versions go when a new one exceeds the limit: the larger of the mount's and the secret's", async () => {
  const { request, write, metadata } = await versioned();
  const state = async () => [Object.keys((await metadata("a")).versions).map(Number), (await metadata("a")).oldest_version];
  for (let i = 0; i < 9; i++) await write("a");
  assert.deepEqual(await state(), [[1, 2, 3, 4, 5, 6, 7, 8, 9], 0]);
  await write("a");
  assert.deepEqual(await state(), [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 1]);
  await write("a");
  assert.deepEqual(await state(), [[2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 2]);
  await request("POST", "secret/config", { max_versions: 3 });
  await request("POST", "secret/metadata/a", { max_versions: 2 });
  await write("a");
  assert.deepEqual(await state(), [[10, 11, 12], 10]);
  assert.equal((await request("GET", "secret/data/a", undefined, { query: { version: "9" } })).status, 404);
  await request("POST", "secret/metadata/a", { max_versions: 5 });
  await write("a");
  assert.deepEqual(await state(), [[10, 11, 12, 13], 10]);
  assert.equal((await request("POST", "secret/metadata/a", { max_versions: -1 })).status, 400);
});

test("dropped and removed versions leave nothing in storage", async () => {
  const { request, write, store } = await versioned();
  const below = async () => (await store.evaluate((tx) => tx.keys("logical/"))).value.map((key) => key.slice(key.indexOf("/") + 1));
  await request("POST", "secret/metadata/a", { max_versions: 1 });
  for (let i = 0; i < 3; i++) await write("a");
  assert.deepEqual(await below(), ["metadata/a", "versions/a/3"]);
  assert.equal((await request("DELETE", "secret/metadata/a")).status, 204);
  assert.deepEqual(await below(), []);
  assert.equal((await request("DELETE", "secret/metadata/a")).status, 204);
  await write("a");
  assert.equal((await request("GET", "secret/data/a")).body["data"].metadata.version, 1);
});

test("lists show one level in pages, with or without a trailing slash", async () => {
  const { request, write } = await versioned();
  for (const path of ["a", "a/b", "c/d/e", "f"]) await write(path);
  const keys = async (path: string, query: Record<string, string> = {}) => (await request("LIST", path, undefined, { query })).body["data"]?.keys as string[] | undefined;
  assert.deepEqual(await keys("secret/metadata"), ["a", "a/", "c/", "f"]);
  assert.deepEqual(await keys("secret/metadata/"), ["a", "a/", "c/", "f"]);
  assert.deepEqual(await keys("secret/metadata/c"), ["d/"]);
  assert.deepEqual(await keys("secret/metadata/c/d/"), ["e"]);
  assert.equal(await keys("secret/metadata/f/"), undefined);
  assert.deepEqual(await keys("secret/metadata/", { limit: "2" }), ["a", "a/"]);
  assert.deepEqual(await keys("secret/metadata/", { after: "a/", limit: "1" }), ["c/"]);
  assert.deepEqual((await request("SCAN", "secret/metadata/")).body["data"].keys, ["a", "a/b", "c/d/e", "f"]);
  assert.equal((await request("LIST", "secret/data/")).status, 405);
});

test("detailed lists carry the metadata of each name", async () => {
  const { request, write, metadata } = await versioned();
  for (const path of ["dir/a", "dir/sub/b"]) await write(path);
  const { body } = await request("LIST", "secret/detailed-metadata/dir/");
  assert.deepEqual(body["data"], { keys: ["a", "sub/"], key_info: { a: await metadata("dir/a"), "sub/": {} } });
  const scanned = await request("SCAN", "secret/detailed-metadata/dir/");
  assert.deepEqual(Object.keys(scanned.body["data"].key_info as object), ["a", "sub/b"]);
});

test("the settings of the mount are read as they were written", async () => {
  const { request } = await versioned();
  const config = async () => (await request("GET", "secret/config")).body["data"];
  assert.deepEqual(await config(), { cas_required: false, delete_version_after: "0s", max_versions: 0 });
  await request("POST", "secret/config", { max_versions: 5, delete_version_after: "25h1s" });
  await request("POST", "secret/config", { cas_required: true });
  assert.deepEqual(await config(), { cas_required: true, delete_version_after: "25h0m1s", max_versions: 5 });
  await request("POST", "secret/config", { delete_version_after: "-5m" });
  assert.equal((await config()).delete_version_after, "-1s");
  assert.equal((await request("POST", "secret/config", { max_versions: "many" })).status, 400);
  assert.equal((await request("POST", "secret/config", { max_versions: -1 })).status, 400);
});

test("a secret that says it needs no cas is warned where the mount demands it", async () => {
  const { request } = await versioned();
  await request("POST", "secret/config", { cas_required: true });
  const { status, body } = await request("POST", "secret/metadata/a", { cas_required: false });
  assert.deepEqual([status, body.warnings], [200, ['"cas_required" set to false, but is mandated by backend config. This value will be ignored.']]);
  assert.deepEqual((await request("PATCH", "secret/metadata/a", { cas_required: false })).body.warnings?.length, 1);
});
