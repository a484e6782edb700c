import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KEY_TYPES } from "./key-types.js";
import { base64, transitRig } from "./testing.js";

const PLAINTEXT = base64("attack at dawn");
const ALLOWED = { exportable: true, allow_plaintext_backup: true };

test("a key of every type comes back from its backup as it was", async () => {
  const { post, get } = await transitRig();
  for (const type of Object.keys(KEY_TYPES)) {
    await post(`keys/${type}`, { type, ...ALLOWED, ...(type === "hmac" && { key_size: 32 }) });
    await post(`keys/${type}/rotate`);
    const { backup } = await get(`backup/${type}`);
    await post("restore/again", { backup, force: true });
    const { restore_info: restored, ...again } = await get("keys/again");
    assert.deepEqual(again, { ...(await get(`keys/${type}`)), name: "again" }, type);
    assert.deepEqual(restored, { time: "2026-01-01T00:00:00.000Z", version: 2 });
    assert.deepEqual((await get("export/hmac-key/again"))["keys"], (await get(`export/hmac-key/${type}`))["keys"]);
  }
});

test("a backup has the versions below min_decryption_version too, but not those that were trimmed", async () => {
  const { post, get } = await transitRig();
  await post("keys/a", ALLOWED);
  const ciphertexts: unknown[] = [];
  for (let version = 1; version <= 4; version++) {
    if (version > 1) await post("keys/a/rotate");
    ciphertexts.push((await post("encrypt/a", { plaintext: PLAINTEXT }))["ciphertext"]);
  }
  await post("keys/a/config", { min_decryption_version: 3, min_encryption_version: 3 });
  await post("keys/a/trim", { min_available_version: 2 });
  await post("restore/b", { backup: (await get("backup/a"))["backup"] });
  await post("keys/b/config", { min_decryption_version: 2 });
  for (const ciphertext of ciphertexts.slice(1)) assert.deepEqual(await post("decrypt/b", { ciphertext }), { plaintext: PLAINTEXT });
});

test("a backup is made only where both settings allow it, and is noted", async () => {
  const { post, get, request } = await transitRig();
  await post("keys/a");
  const asked = async () => (await request("GET", "transit/backup/a")).body.errors;
  assert.deepEqual(await asked(), ["exporting is disallowed on the policy"]);
  await post("keys/a/config", { exportable: true });
  assert.deepEqual(await asked(), ["plaintext backup is disallowed on the policy"]);
  await post("keys/a/config", { allow_plaintext_backup: true });
  await get("backup/a");
  assert.deepEqual((await get("keys/a"))["backup_info"], { time: "2026-01-01T00:00:00.000Z", version: 1 });
  assert.deepEqual((await request("GET", "transit/backup/none")).body.errors, ['key "none" not found']);
});

test("a key that is there is replaced only by force, with everything of it", async () => {
  const { post, get, refused, store } = await transitRig();
  await post("keys/a", ALLOWED);
  const { backup } = await get("backup/a");
  await post("keys/a/rotate");
  await post("keys/a/rotate");
  assert.equal(await refused("restore", { backup }), 'key "a" already exists');
  await post("restore", { backup, force: true });
  assert.equal((await get("keys/a"))["latest_version"], 1);
  const versions = (await store.evaluate((tx) => tx.keys("logical/"))).value.filter((key) => key.includes("/version/a/"));
  assert.equal(versions.length, 1);
});

test("a restored key rotates by itself when it is due", async () => {
  const { post, get, clock, doDueWork } = await transitRig();
  await post("keys/a", { ...ALLOWED, auto_rotate_period: "2h" });
  await post("restore/b", { backup: (await get("backup/a"))["backup"] });
  clock.advance(7200);
  await doDueWork();
  assert.equal((await get("keys/b"))["latest_version"], 2);
});

test("what old or strange backups lack is refused where it is needed", async () => {
  const { post, get, refused } = await transitRig();
  await post("keys/a", { ...ALLOWED, derived: true, convergent_encryption: true });
  const changed = async (change: (policy: Policy) => void) => {
    const document = JSON.parse(Buffer.from((await get("backup/a"))["backup"] as string, "base64").toString("utf8")) as { policy: Policy };
    change(document.policy);
    await post("restore/b", { backup: base64(JSON.stringify(document)), force: true });
  };
  const encrypt = { plaintext: PLAINTEXT, context: base64("c") };
  await changed((policy) => void (policy.keys["1"]!["hmac_key"] = null));
  assert.match(await refused("hmac/b", { input: "" }), /no HMAC key exists/);
  assert.match((await post("encrypt/b", encrypt))["ciphertext"] as string, /^vault:v1:/);
  for (const version of [0, 1, 2]) {
    await changed((policy) => void (policy.keys["1"]!["convergent_version"] = version));
    assert.match(await refused("encrypt/b", encrypt), /old convergent encryption key/);
  }
  await changed((policy) => void (policy["kdf"] = 0));
  assert.match(await refused("encrypt/b", encrypt), /old convergent encryption key/);
});

type Policy = Record<string, unknown> & { keys: Record<string, Record<string, unknown>> };

test("refused: backups that are none, or of keys that are none", async () => {
  const { post, get, refused } = await transitRig();
  await post("keys/a", ALLOWED);
  await post("keys/ec", { ...ALLOWED, type: "ecdsa-p256" });
  await post("keys/rsa", { ...ALLOWED, type: "rsa-2048" });
  const changed = async (name: string, change: (policy: Policy) => void) => {
    const text = Buffer.from((await get(`backup/${name}`))["backup"] as string, "base64").toString("utf8");
    // Numbers of EC and RSA keys are kept as they are: none of these changes touches them.
    const document = JSON.parse(text.replace(/:(\d{20,})/g, ':"#$1"').replace(/([[,])(\d{20,})/g, '$1"#$2"')) as { policy: Policy };
    change(document.policy);
    return refused("restore/b", { backup: base64(JSON.stringify(document).replace(/"#(\d+)"/g, "$1")) });
  };
  const cases: readonly (readonly [string, (policy: Policy) => void, RegExp])[] = [
    ["a", (policy) => void (policy["type"] = 99), /its type is unknown/],
    ["a", (policy) => void (policy["latest_version"] = 0), /latest_version/],
    ["a", (policy) => void (policy["latest_version"] = 1e9), /latest_version/],
    ["a", (policy) => void (policy["latest_version"] = 3), /a version is missing/],
    ["a", (policy) => void (policy["min_available_version"] = 5), /no versions/],
    ["a", (policy) => void (policy["min_decryption_version"] = 2), /contradict/],
    ["a", (policy) => void (policy["version_template"] = "x{{version}}"), /version template/],
    ["a", (policy) => void (policy.keys["1"]!["key"] = "%"), /not base64/],
    ["a", (policy) => void (policy.keys["1"]!["key"] = "YQ=="), /wrong length/],
    ["a", (policy) => Object.assign(policy.keys["1"]!, { time: "", creation_time: null }), /without a time/],
    ["a", (policy) => void (policy.keys["1"]!["certificate_chain"] = {}), /not a list/],
    ["a", (policy) => void (policy.keys["1"]!["certificate_chain"] = [""]), /certificate is empty/],
    ["a", (policy) => Object.assign(policy.keys["1"]!, { time: "9999-01-01T00:00:00Z", creation_time: 1e12 }), /without a time/],
    ["a", (policy) => void (policy["auto_rotate_period"] = 1e9), /at least an hour/],
    ["a", (policy) => void (policy["auto_rotate_period"] = -1), /not a duration/],
    ["a", (policy) => void (policy["auto_rotate_period"] = "x"), /not a duration/],
    ["ec", (policy) => void (policy["type"] = 6), /not a key/],
    ["ec", (policy) => void (policy.keys["1"]!["ec_x"] = 5), /not a key/],
    ["ec", (policy) => void (policy.keys["1"]!["ec_x"] = null), /not a key/],
    ["rsa", (policy) => void (policy["type"] = 4), /wrong length/],
    ["rsa", (policy) => void (policy.keys["1"]!["rsa_key"] = { N: 5 }), /not a key/],
    ["rsa", (policy) => Object.assign(policy.keys["1"]!, { rsa_key: null, rsa_public_key: null }), /not a key/],
  ];
  for (const [name, change, error] of cases) assert.match(await changed(name, change), error);
  const { backup } = await get("backup/a");
  assert.equal(await refused("restore", {}), "'backup' must be supplied");
  assert.match(await refused("restore", { backup, name: "x/y" }), /cannot be paths/);
  assert.match(await refused("restore", { backup, name: "-" }), /invalid name/);
});

test("no text makes restoring fail otherwise than with 400", async () => {
  const { request } = await transitRig();
  const texts = fc.oneof(fc.string({ minLength: 1 }), fc.json().map(base64), fc.jsonValue().map((value) => base64(JSON.stringify({ policy: { keys: value, type: 0, latest_version: 1 }, archived_keys: value }))));
  await fc.assert(fc.asyncProperty(texts, async (backup) => void assert.equal((await request("POST", "transit/restore/x", { backup })).status, 400)), { numRuns: 200 });
});
