import assert from "node:assert/strict";
import { test } from "node:test";
import { KEY_TYPES } from "./key-types.js";
import { base64, transitRig } from "./testing.js";

const PLAINTEXT = base64("attack at dawn");
const HOUR = 3600;

test("keys of every type are made, listed and read with what they can do", async () => {
  const { post, get, request } = await transitRig();
  for (const type of Object.keys(KEY_TYPES)) {
    const made = await post(`keys/${type}`, { type, ...(type === "hmac" && { key_size: 32 }) });
    assert.deepEqual(await get(`keys/${type}`), made);
    assert.equal(made["type"], type);
    const can = ["encryption", "decryption", "signing", "derivation"].filter((what) => made[`supports_${what}`]);
    const expected = /aes|chacha/.test(type) ? ["encryption", "decryption", "derivation"] : type.startsWith("rsa") ? ["encryption", "decryption", "signing"] : type === "ed25519" ? ["signing", "derivation"] : type === "hmac" ? [] : ["signing"];
    assert.deepEqual(can, expected, type);
    assert.ok(!JSON.stringify(made).includes("PRIVATE"));
  }
  assert.deepEqual((await request("LIST", "transit/keys")).body["data"].keys, Object.keys(KEY_TYPES).sort());
  assert.deepEqual((await request("LIST", "transit/keys", undefined, { query: { after: "ed25519", limit: "2" } })).body["data"].keys, ["hmac", "rsa-2048"]);
  assert.deepEqual(Object.keys((await get("keys/aes256-gcm96"))["keys"] as object), ["1"]);
  assert.equal(((await get("keys/aes256-gcm96"))["keys"] as Record<string, number>)["1"], 1_767_225_600);
});

test("making a key that exists changes nothing, and says so", async () => {
  const { post, request, store } = await transitRig();
  await post("keys/a");
  const before = store.index();
  const { status, body } = await request("POST", "transit/keys/a", { type: "rsa-2048" });
  assert.deepEqual([status, body.warnings, body["data"].type], [200, ["key a already existed"], "aes256-gcm96"]);
  assert.equal(store.index(), before);
});

test("a rotated key encrypts with the new version, and decrypts with those that are still allowed", async () => {
  const { post, get, refused } = await transitRig();
  await post("keys/a");
  const first = (await post("encrypt/a", { plaintext: PLAINTEXT }))["ciphertext"];
  await post("keys/a/rotate");
  assert.match((await post("encrypt/a", { plaintext: PLAINTEXT }))["ciphertext"] as string, /^vault:v2:/);
  assert.deepEqual(await post("decrypt/a", { ciphertext: first }), { plaintext: PLAINTEXT });
  await post("keys/a/config", { min_decryption_version: 2 });
  assert.match(await refused("decrypt/a", { ciphertext: first }), /disallowed by policy \(too old\)/);
  assert.match(await refused("encrypt/a", { plaintext: PLAINTEXT, key_version: 1 }), /less than the minimum/);
  assert.deepEqual(Object.keys((await get("keys/a"))["keys"] as object), ["2"]);
  await post("keys/a/config", { min_decryption_version: 1 });
  assert.deepEqual(await post("decrypt/a", { ciphertext: first }), { plaintext: PLAINTEXT });
  await post("keys/a/config", { min_encryption_version: 2 });
  assert.match(await refused("encrypt/a", { plaintext: PLAINTEXT, key_version: 1 }), /less than the minimum/);
});

test("a trimmed version is gone from storage, and cannot come back", async () => {
  const { post, refused, store } = await transitRig();
  await post("keys/a");
  for (let version = 2; version <= 4; version++) await post("keys/a/rotate");
  assert.match(await refused("keys/a/trim", { min_available_version: 2 }), /minimum encryption version is not set/);
  await post("keys/a/config", { min_decryption_version: 3, min_encryption_version: 3 });
  assert.match(await refused("keys/a/trim", { min_available_version: 4 }), /greater than/);
  for (const bad of [-1, 0]) assert.match(await refused("keys/a/trim", { min_available_version: bad }), /cannot be decremented|should be positive/);
  assert.match(await refused("keys/a/trim"), /missing min_available_version/);
  assert.equal((await post("keys/a/trim", { min_available_version: 3 }))["min_available_version"], 3);
  const versions = (await store.evaluate((tx) => tx.keys("logical/"))).value.filter((key) => key.includes("/version/a/"));
  assert.deepEqual(versions.map((key) => key.split("/").at(-1)), ["3", "4"]);
  assert.match(await refused("keys/a/config", { min_decryption_version: 2 }), /less then min available/);
  assert.match(await refused("keys/a/trim", { min_available_version: 2 }), /cannot be decremented/);
});

test("a key rotates by itself when its period ends, as often as it is due", async () => {
  const { post, get, clock, doDueWork } = await transitRig();
  await post("keys/a", { auto_rotate_period: "2h" });
  await post("keys/b", { type: "ecdsa-p256" });
  const version = async (name: string) => (await get(`keys/${name}`))["latest_version"];
  clock.advance(2 * HOUR - 1);
  await doDueWork();
  assert.equal(await version("a"), 1);
  clock.advance(1);
  await doDueWork();
  assert.equal(await version("a"), 2);
  await post("keys/b/config", { auto_rotate_period: HOUR });
  await post("keys/a/config", { auto_rotate_period: 0 });
  clock.advance(3 * HOUR);
  await doDueWork();
  assert.deepEqual([await version("a"), await version("b")], [2, 2]);
  await post("keys/b/rotate");
  clock.advance(HOUR - 1);
  await doDueWork();
  assert.equal(await version("b"), 3, "the period begins with the latest version");
  clock.advance(1);
  await doDueWork();
  assert.equal(await version("b"), 4);
});

test("the longest period of all does not come before others", async () => {
  const { post, get, clock, doDueWork } = await transitRig();
  await post("keys/late", { auto_rotate_period: 9_223_372_036, exportable: true, allow_plaintext_backup: true });
  await post("restore/later", { backup: (await get("backup/late"))["backup"] });
  assert.equal((await get("keys/later"))["auto_rotate_period"], 9_223_372_036);
  await post("keys/soon", { auto_rotate_period: HOUR });
  clock.advance(HOUR);
  await doDueWork();
  assert.deepEqual([(await get("keys/soon"))["latest_version"], (await get("keys/late"))["latest_version"]], [2, 1]);
});

test("a key is deleted only when that is allowed, with everything of it", async () => {
  const { post, request, store } = await transitRig();
  await post("keys/a", { auto_rotate_period: "2h" });
  await post("keys/a/rotate");
  const refusal = await request("DELETE", "transit/keys/a");
  assert.deepEqual([refusal.status, refusal.body.errors], [400, ["error deleting policy a: deletion is not allowed for this key"]]);
  await post("keys/a/config", { deletion_allowed: true });
  assert.equal((await request("DELETE", "transit/keys/a")).status, 204);
  assert.equal((await request("GET", "transit/keys/a")).status, 404);
  assert.equal((await request("DELETE", "transit/keys/a")).status, 400);
  const left = (await store.evaluate((tx) => tx.keys("logical/"))).value.filter((key) => /\/(key|version|rotation)\//.test(key));
  assert.deepEqual(left, []);
});

test("a soft-deleted key does nothing until it is restored", async () => {
  const { post, get, request, refused, clock, doDueWork } = await transitRig();
  await post("keys/a", { exportable: true, allow_plaintext_backup: true, auto_rotate_period: HOUR });
  const { ciphertext } = await post("encrypt/a", { plaintext: PLAINTEXT });
  assert.equal((await request("DELETE", "transit/keys/a/soft-delete")).body["data"].soft_deleted, true);
  assert.deepEqual((await request("DELETE", "transit/keys/a/soft-delete")).body.warnings, ["key was already marked as soft deleted"]);
  const refusal = /refusing to use soft-deleted key/;
  assert.match(await refused("encrypt/a", { plaintext: PLAINTEXT }), refusal);
  assert.match(await refused("decrypt/a", { ciphertext }), refusal);
  assert.match(await refused("hmac/a", { input: "" }), refusal);
  assert.match(await refused("keys/a/rotate"), refusal);
  for (const path of ["export/encryption-key/a", "backup/a"]) assert.equal((await request("GET", `transit/${path}`)).status, 400);
  clock.advance(HOUR);
  await doDueWork();
  assert.equal((await get("keys/a"))["latest_version"], 1);
  await post("keys/a/soft-delete-restore");
  assert.deepEqual(await post("decrypt/a", { ciphertext }), { plaintext: PLAINTEXT });
  await doDueWork();
  assert.equal((await get("keys/a"))["latest_version"], 2);
});

test("export gives what is exportable, and always what is public", async () => {
  const { post, get, request } = await transitRig();
  await post("keys/a");
  await post("keys/ed", { type: "ed25519" });
  assert.deepEqual((await request("GET", "transit/export/encryption-key/a")).body.errors, ["private key material is not exportable"]);
  assert.match(JSON.stringify(await get("export/public-key/ed")), /"1":"[A-Za-z0-9+/]{43}="/);
  await post("keys/a/config", { exportable: true });
  await post("keys/a/config", { exportable: false });
  assert.equal((await get("keys/a"))["exportable"], true, "what was allowed once stays allowed");
  assert.deepEqual(Object.keys((await get("export/encryption-key/a/latest"))["keys"] as object), ["1"]);
  for (const path of ["export/signing-key/a", "export/other/a", "export/encryption-key/a/7", "export/encryption-key/a/x", "export/encryption-key/a/0"]) assert.equal((await request("GET", `transit/${path}`)).status, 400, path);
  assert.equal((await request("GET", "transit/export/encryption-key/a", undefined, { query: { format: "pem" } })).status, 400);
  assert.equal((await request("GET", "transit/export/encryption-key/none")).status, 404);
});

const BAD: readonly (readonly [string, string, Readonly<Record<string, unknown>>, RegExp])[] = [
  ["a type that is none", "keys/b", { type: "des" }, /unknown key type des/],
  ["the name of a member of every object", "keys/b", { type: "constructor" }, /unknown key type/],
  ["convergence without derivation", "keys/b", { convergent_encryption: true }, /requires derivation/],
  ["a derived RSA key", "keys/b", { type: "rsa-2048", derived: true }, /not supported for keys of type/],
  ["a convergent signing key", "keys/b", { type: "ed25519", derived: true, convergent_encryption: true }, /not supported for keys of type/],
  ["a short period", "keys/b", { auto_rotate_period: "59m" }, /at least an hour/],
  ["a negative period", "keys/b", { auto_rotate_period: "-2h" }, /negative/],
  ["a period that is none", "keys/b", { auto_rotate_period: "often" }, /invalid duration/],
  ["hmac without size", "keys/b", { type: "hmac" }, /between 32 and 512/],
  ["hmac too small", "keys/b", { type: "hmac", key_size: 31 }, /invalid key_size/],
  ["hmac too large", "keys/b", { type: "hmac", key_size: 513 }, /invalid key_size/],
  ["a size for AES", "keys/b", { key_size: 32 }, /not valid for algorithm/],
  ["a flag that is none", "keys/b", { derived: "perhaps" }, /as bool/],
  ["a name that is none", "keys/.b", {}, /invalid name/],
  ["a minimum to come", "keys/a/config", { min_decryption_version: 2 }, /latest key version is 1/],
  ["a minimum of before", "keys/a/config", { min_decryption_version: -1 }, /cannot be negative/],
  ["an encryption minimum to come", "keys/a/config", { min_encryption_version: 2 }, /latest key version is 1/],
  ["an encryption minimum of before", "keys/a/config", { min_encryption_version: -1 }, /cannot be negative/],
  ["a short period for a key that is there", "keys/a/config", { auto_rotate_period: "1s" }, /at least an hour/],
  ["the settings of no key", "keys/none/config", {}, /no existing key named none/],
  ["the rotation of no key", "keys/none/rotate", {}, /key not found/],
  ["the trimming of no key", "keys/none/trim", { min_available_version: 1 }, /invalid key name/],
  ["a cache too small", "cache-config", { size: 9 }, /greater or equal to 10/],
];

test("refused: what no key can be", async () => {
  const { post, refused } = await transitRig();
  await post("keys/a");
  for (const [what, path, body, error] of BAD) assert.match(await refused(path, body), error, what);
});

test("the mount's settings are kept, and random bytes and digests are to be had", async () => {
  const { post, get, refused } = await transitRig();
  assert.deepEqual([await get("config/keys"), await get("cache-config")], [{ disable_upsert: false }, { size: 0 }]);
  await post("cache-config", { size: 20 });
  assert.deepEqual(await get("cache-config"), { size: 20 });
  for (const [path, bytes] of [["random", 32], ["random/7", 7], ["random/platform", 32], ["random/all/9", 9]] as const) assert.equal(Buffer.from((await post(path))["random_bytes"] as string, "base64").length, bytes, path);
  assert.deepEqual(await post("hash/sha2-256", { input: base64("abc") }), { sum: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" });
  assert.match(await refused("hash"), /input missing/);
  assert.match(await refused("hash/md5", { input: "" }), /unsupported algorithm/);
});
