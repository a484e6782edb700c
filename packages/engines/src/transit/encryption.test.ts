import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { transit } from "./engine.js";
import { base64, transitRig } from "./testing.js";

const PLAINTEXT = base64("attack at dawn");
const CONTEXT = base64("tenant 1");
const CIPHERS = ["aes128-gcm96", "aes256-gcm96", "chacha20-poly1305", "xchacha20-poly1305"];

test("what a key encrypts it decrypts, with the same associated data, and nothing of it is stored", async () => {
  const { post, refused, store } = await transitRig();
  for (const type of CIPHERS) {
    await post(`keys/${type}`, { type });
    const before = store.index();
    for (const plaintext of ["", PLAINTEXT, base64(Buffer.alloc(100_000, 7))]) {
      const { ciphertext, key_version: version } = await post(`encrypt/${type}`, { plaintext });
      assert.equal(version, 1);
      assert.deepEqual(await post(`decrypt/${type}`, { ciphertext }), { plaintext });
    }
    const { ciphertext } = await post(`encrypt/${type}`, { plaintext: PLAINTEXT, associated_data: base64("a") });
    assert.deepEqual(await post(`decrypt/${type}`, { ciphertext, associated_data: base64("a") }), { plaintext: PLAINTEXT });
    assert.equal(await refused(`decrypt/${type}`, { ciphertext }), "cipher: message authentication failed");
    assert.equal(store.index(), before, "nothing was written");
  }
});

test("RSA encrypts what fits, and takes no associated data", async () => {
  const { post, refused } = await transitRig();
  await post("keys/rsa", { type: "rsa-2048" });
  const { ciphertext } = await post("encrypt/rsa", { plaintext: PLAINTEXT });
  assert.deepEqual(await post("decrypt/rsa", { ciphertext }), { plaintext: PLAINTEXT });
  assert.match(await refused("encrypt/rsa", { plaintext: base64(Buffer.alloc(300)) }), /too long/);
  assert.match(await refused("encrypt/rsa", { plaintext: PLAINTEXT, associated_data: base64("a") }), /non-AEAD/);
  assert.equal(await refused("decrypt/rsa", { ciphertext: `vault:v1:${base64(Buffer.alloc(256, 1))}` }), "cipher: message authentication failed");
});

test("whatever is done to a ciphertext, the error is the same and tells nothing", async () => {
  const { post, refused } = await transitRig();
  for (const type of CIPHERS) {
    await post(`keys/${type}`, { type });
    const { ciphertext } = (await post(`encrypt/${type}`, { plaintext: PLAINTEXT })) as { ciphertext: string };
    const bytes = Buffer.from(ciphertext.slice("vault:v1:".length), "base64");
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(bytes.length), async (at, flip, length) => {
        const changed = Buffer.from(bytes);
        changed[at]! ^= flip;
        for (const one of [changed, bytes.subarray(0, Math.min(length, bytes.length - 1))]) assert.equal(await refused(`decrypt/${type}`, { ciphertext: `vault:v1:${base64(one)}` }), "cipher: message authentication failed");
      }),
      { numRuns: 25 },
    );
  }
});

test("no text makes decryption fail otherwise than with 400", async () => {
  const { post, request } = await transitRig();
  await post("keys/a");
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.string().map((text) => `vault:v1:${text}`), fc.base64String().map((text) => `vault:v1:${text}`), fc.integer().map((version) => `vault:v${version}:aaaa`)), async (ciphertext) => {
      assert.equal((await request("POST", "transit/decrypt/a", { ciphertext })).status, 400);
    }),
    { numRuns: 200 },
  );
});

test("a derived key needs a context, and each context has a key of its own", async () => {
  const { post, refused } = await transitRig();
  for (const type of CIPHERS) {
    await post(`keys/${type}`, { type, derived: true });
    assert.match(await refused(`encrypt/${type}`, { plaintext: PLAINTEXT }), /missing 'context'/);
    const { ciphertext } = await post(`encrypt/${type}`, { plaintext: PLAINTEXT, context: CONTEXT });
    assert.deepEqual(await post(`decrypt/${type}`, { ciphertext, context: CONTEXT }), { plaintext: PLAINTEXT });
    assert.equal(await refused(`decrypt/${type}`, { ciphertext, context: base64("tenant 2") }), "cipher: message authentication failed");
  }
});

test("convergent keys give equal ciphertexts for equal plaintexts and contexts, and only then", async () => {
  const { post, refused } = await transitRig();
  for (const type of CIPHERS) {
    await post(`keys/${type}`, { type, derived: true, convergent_encryption: true });
    const encrypted = async (plaintext: string, context: string) => (await post(`encrypt/${type}`, { plaintext, context }))["ciphertext"];
    const first = await encrypted(PLAINTEXT, CONTEXT);
    assert.equal(await encrypted(PLAINTEXT, CONTEXT), first);
    assert.notEqual(await encrypted(base64("attack at dusk"), CONTEXT), first);
    assert.notEqual(await encrypted(PLAINTEXT, base64("tenant 2")), first);
    assert.match(await refused(`encrypt/${type}`, { plaintext: PLAINTEXT, context: CONTEXT, nonce: base64("123456789012") }), /nonce not allowed/);
  }
});

test("encrypting makes the key that is not there, for who may create it", async () => {
  const { request, post, get, tokenWith, refused } = await transitRig();
  const updater = await tokenWith('path "transit/encrypt/*" { capabilities = ["update"] }');
  const creator = await tokenWith('path "transit/encrypt/*" { capabilities = ["create"] }');
  const encrypt = async (name: string, token: string, more = {}) => (await request("POST", `transit/encrypt/${name}`, { plaintext: PLAINTEXT, ...more }, { token })).status;
  assert.equal(await encrypt("new", updater), 403);
  assert.equal((await request("GET", "transit/keys/new")).status, 404);
  assert.equal(await encrypt("new", creator), 200);
  assert.equal(await encrypt("new", creator), 403, "it is there now");
  assert.equal(await encrypt("new", updater), 200);
  const { type, derived } = await get("keys/new");
  assert.deepEqual([type, derived], ["aes256-gcm96", false]);
  assert.equal(await encrypt("tenants", creator, { context: CONTEXT, convergent_encryption: true, type: "chacha20-poly1305" }), 200);
  const made = await get("keys/tenants");
  assert.deepEqual([made["type"], made["derived"], made["convergent_encryption"]], ["chacha20-poly1305", true, true]);
  await post("config/keys", { disable_upsert: true });
  assert.equal(await refused("encrypt/other", { plaintext: PLAINTEXT }), "encryption key not found");
  await post("config/keys", { disable_upsert: false });
  for (const type of ["rsa-2048", "ed25519", "hmac", "none", "constructor"]) assert.match(await refused("encrypt/other", { plaintext: PLAINTEXT, type }), /key type/);
  assert.match(await refused("encrypt/other", { plaintext: PLAINTEXT, convergent_encryption: true }), /context is required/);
});

test("two who encrypt with a new key at once use the same one", async () => {
  const { post } = await transitRig();
  const made = await Promise.all([1, 2, 3].map(() => post("encrypt/new", { plaintext: PLAINTEXT })));
  for (const { ciphertext } of made) assert.deepEqual(await post("decrypt/new", { ciphertext }), { plaintext: PLAINTEXT });
});

test("in a batch each item has its own result, and the status tells of failures as asked", async () => {
  const { post, request } = await transitRig();
  await post("keys/a");
  await post("keys/a/rotate");
  const items = [{ plaintext: PLAINTEXT, reference: "one" }, { plaintext: "%", reference: "two" }, { plaintext: PLAINTEXT, key_version: 1 }, { plaintext: PLAINTEXT, key_version: 7 }];
  const mixed = await request("POST", "transit/encrypt/a", { batch_input: items });
  assert.equal(mixed.status, 400);
  const results = mixed.body["data"].batch_results as Record<string, unknown>[];
  assert.deepEqual(results.map(({ reference }) => reference), ["one", "two", "", ""]);
  assert.deepEqual(results.map((result) => result["key_version"]), [2, undefined, 1, undefined]);
  assert.equal(results[1]!["error"], "illegal base64 data at input byte 0");
  assert.match(results[3]!["error"] as string, /higher than the latest/);
  const asked = async (batch: readonly unknown[], code: unknown) => {
    const { status, body } = await request("POST", "transit/encrypt/a", { batch_input: batch, partial_failure_response_code: code });
    return [status, body.warnings];
  };
  assert.deepEqual(await asked(items, 207), [207, null]);
  assert.deepEqual(await asked(items.slice(0, 1), 207), [200, null]);
  assert.deepEqual(await asked(items.slice(1, 2), 207), [400, null]);
  assert.deepEqual(await asked(items, 999), [400, ["invalid HTTP response code override from partial_failure_response_code, reverting to 400"]]);
  const decrypted = await request("POST", "transit/decrypt/a", { batch_input: [{ ciphertext: results[0]!["ciphertext"], reference: "r" }, { ciphertext: "vault:v1:aaaa" }] });
  assert.deepEqual([decrypted.status, decrypted.body["data"].batch_results], [400, [{ plaintext: PLAINTEXT, reference: "r" }, { plaintext: "", error: "cipher: message authentication failed", reference: "" }]]);
});

test("rewrapping takes a ciphertext to a newer version, without the right to decrypt", async () => {
  const { post, request, tokenWith, refused } = await transitRig();
  for (const type of ["aes256-gcm96", "rsa-2048"]) {
    await post(`keys/${type}`, { type });
    const { ciphertext } = await post(`encrypt/${type}`, { plaintext: PLAINTEXT });
    await post(`keys/${type}/rotate`);
    const token = await tokenWith('path "transit/rewrap/*" { capabilities = ["update"] }');
    const { status, body } = await request("POST", `transit/rewrap/${type}`, { batch_input: [{ ciphertext }, { ciphertext: "no" }, {}] }, { token });
    assert.equal(status, 200);
    const [again, ...failed] = body["data"].batch_results as Record<string, unknown>[];
    assert.deepEqual(failed.map(({ error }) => error), ["invalid ciphertext: no prefix", "missing ciphertext to decrypt"]);
    assert.match(again!["ciphertext"] as string, /^vault:v2:/);
    assert.deepEqual(await post(`decrypt/${type}`, { ciphertext: again!["ciphertext"] }), { plaintext: PLAINTEXT });
    assert.equal((await request("POST", `transit/decrypt/${type}`, { ciphertext }, { token })).status, 403);
    assert.equal(await refused(`rewrap/${type}`), "missing ciphertext to decrypt");
  }
});

test("a data key is what its ciphertext says; wrapped, it is not shown", async () => {
  const { post, refused } = await transitRig();
  await post("keys/a");
  for (const bits of [128, 256, 512]) {
    const { ciphertext, plaintext } = await post("datakey/plaintext/a", { bits });
    assert.equal(Buffer.from(plaintext as string, "base64").length, bits / 8);
    assert.deepEqual(await post("decrypt/a", { ciphertext }), { plaintext });
    assert.deepEqual(Object.keys(await post("datakey/wrapped/a", { bits })), ["ciphertext", "key_version"]);
  }
  assert.match(await refused("datakey/shown/a"), /must be 'plaintext' or 'wrapped'/);
  assert.equal(await refused("datakey/wrapped/a", { bits: 100 }), "invalid bit length");
  assert.equal(await refused("datakey/wrapped/none"), "encryption key not found");
});

const BAD: readonly (readonly [string, string, Readonly<Record<string, unknown>>, RegExp])[] = [
  ["no plaintext", "encrypt/a", {}, /missing plaintext/],
  ["a plaintext that is no base64", "encrypt/a", { plaintext: "%" }, /illegal base64/],
  ["a plaintext that is a list", "encrypt/a", { plaintext: ["YQ=="] }, /expected/],
  ["a context that is no base64", "encrypt/a", { plaintext: "", context: "%" }, /illegal base64/],
  ["associated data that is no base64", "encrypt/a", { plaintext: "", associated_data: "%" }, /illegal base64/],
  ["a version that is none", "encrypt/a", { plaintext: "", key_version: "x" }, /as int/],
  ["a version of before", "encrypt/a", { plaintext: "", key_version: -1 }, /is negative/],
  ["a version to come", "encrypt/a", { plaintext: "", key_version: 2 }, /higher than the latest/],
  ["a batch that is none", "encrypt/a", { batch_input: {} }, /array or slice/],
  ["an empty batch", "encrypt/a", { batch_input: [] }, /missing batch input/],
  ["an item that is none", "encrypt/a", { batch_input: ["x"] }, /\[0\] expected a map/],
  ["an item that is null", "encrypt/a", { batch_input: [null] }, /\[0\] expected a map/],
  ["an item without plaintext", "encrypt/a", { batch_input: [{ plaintext: "" }, {}] }, /\[1\]\.plaintext missing/],
  ["an item with a plaintext that is none", "encrypt/a", { batch_input: [{ plaintext: 1 }] }, /\[0\]\.plaintext expected a string/],
  ["an item with a version that is none", "encrypt/a", { batch_input: [{ plaintext: "", key_version: 1.5 }] }, /\[0\]\.key_version expected an integer/],
  ["contexts for some items only", "encrypt/a", { batch_input: [{ plaintext: "", context: "YQ==" }, { plaintext: "" }] }, /in all the request blocks or in none/],
  ["a code that is none", "encrypt/a", { plaintext: "", partial_failure_response_code: "x" }, /as int/],
  ["a name that is none", "encrypt/-", { plaintext: "" }, /invalid name/],
  ["a key that does not encrypt", "encrypt/ec", { plaintext: "" }, /not supported for key type ecdsa-p256/],
  ["no ciphertext", "decrypt/a", {}, /missing ciphertext/],
  ["a ciphertext without prefix", "decrypt/a", { ciphertext: "aaaa" }, /no prefix/],
  ["a ciphertext without text", "decrypt/a", { ciphertext: "vault:v1" }, /wrong number of fields/],
  ["a ciphertext without version", "decrypt/a", { ciphertext: "vault:vx:aaaa" }, /could not be decoded/],
  ["a ciphertext that is no base64", "decrypt/a", { ciphertext: "vault:v1:%" }, /could not decode base64/],
  ["a ciphertext to come", "decrypt/a", { ciphertext: "vault:v2:aaaa" }, /too new/],
  ["an item without ciphertext", "decrypt/a", { batch_input: [{}] }, /missing ciphertext/],
  ["a key that is not there", "decrypt/none", { ciphertext: "vault:v1:aaaa" }, /not found/],
];

test("refused: what makes no sense in any field", async () => {
  const { post, refused } = await transitRig();
  await post("keys/a");
  await post("keys/ec", { type: "ecdsa-p256" });
  for (const [what, path, body, error] of BAD) assert.match(await refused(path, body), error, what);
});

test("what only uses a key is no write, so that every node serves it", () => {
  const uses = /^(encrypt|decrypt|rewrap|datakey|sign|verify|hmac|hash|random)\b/;
  const effects = transit.paths.filter(({ template }) => uses.test(template)).map(({ template, operations }) => [template.split("/")[0], operations.update!.effect]);
  assert.ok(effects.length > 10);
  for (const [name, effect] of effects) assert.equal(effect, name === "encrypt" ? "read-or-write" : "read", name);
});
