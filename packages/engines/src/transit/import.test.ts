import assert from "node:assert/strict";
import { constants, createCipheriv, generateKeyPairSync, publicEncrypt, randomBytes } from "node:crypto";
import { test } from "node:test";
import { base64, transitRig } from "./testing.js";

const PLAINTEXT = base64("attack at dawn");

/** As somebody outside would: by Vault's documentation of bring-your-own-key. */
function wrap(wrappingKey: string, key: Uint8Array, hash = "sha256"): string {
  const ephemeral = randomBytes(32);
  const cipher = createCipheriv("id-aes256-wrap-pad", ephemeral, Buffer.from("a65959a6", "hex"));
  const wrapped = Buffer.concat([cipher.update(key), cipher.final()]);
  return base64(Buffer.concat([publicEncrypt({ key: wrappingKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash }, ephemeral), wrapped]));
}

/** The wrapping key takes long to make, so the tests share it. */
const rig = await transitRig();
const wrappingKey = (await rig.get("wrapping_key"))["public_key"] as string;
const pkcs8 = { type: "pkcs8", format: "der" } as const;
const spki = { type: "spki", format: "pem" } as const;

test("the wrapping key stays the same", async () => {
  assert.equal((await rig.get("wrapping_key"))["public_key"], wrappingKey);
  assert.match(wrappingKey, /^-----BEGIN PUBLIC KEY-----\n/);
});

test("keys of every kind come in wrapped, and are what they were", async () => {
  const aes = randomBytes(32);
  const pairs = { "ecdsa-p256": generateKeyPairSync("ec", { namedCurve: "P-256" }), ed25519: generateKeyPairSync("ed25519"), "rsa-2048": generateKeyPairSync("rsa", { modulusLength: 2048 }) };
  await rig.post("keys/aes/import", { type: "aes256-gcm96", ciphertext: wrap(wrappingKey, aes), exportable: true });
  assert.deepEqual((await rig.get("export/encryption-key/aes"))["keys"], { 1: base64(aes) });
  const mac = randomBytes(40);
  await rig.post("keys/mac/import", { type: "hmac", ciphertext: wrap(wrappingKey, mac, "sha1"), hash_function: "sha1", exportable: true });
  assert.deepEqual((await rig.get("export/hmac-key/mac"))["keys"], { 1: base64(mac) });
  assert.equal((await rig.get("keys/mac"))["key_size"], 40);
  for (const [type, { privateKey }] of Object.entries(pairs)) {
    await rig.post(`keys/${type}/import`, { type, ciphertext: wrap(wrappingKey, privateKey.export(pkcs8), "sha512"), hash_function: "SHA512", exportable: true });
    const { keys } = (await rig.get(`export/signing-key/${type}`, { format: "der" })) as { keys: Record<string, string> };
    assert.equal(keys["1"], base64(privateKey.export(pkcs8)), type);
    const { signature } = await rig.post(`sign/${type}`, { input: PLAINTEXT });
    assert.deepEqual(await rig.post(`verify/${type}`, { input: PLAINTEXT, signature }), { valid: true });
  }
});

test("an imported key rotates only where that was allowed, and then is one of ours", async () => {
  await rig.post("keys/stays/import", { ciphertext: wrap(wrappingKey, randomBytes(32)) });
  const { imported_key: imported, imported_key_allow_rotation: allowed } = await rig.get("keys/stays");
  assert.deepEqual([imported, allowed], [true, false]);
  assert.match(await rig.refused("keys/stays/rotate"), /does not allow rotation/);
  await rig.post("keys/turns/import", { ciphertext: wrap(wrappingKey, randomBytes(32)), allow_rotation: true });
  assert.equal((await rig.post("keys/turns/rotate"))["imported_key"], false);
  assert.match(await rig.refused("keys/turns/import_version", { ciphertext: wrap(wrappingKey, randomBytes(32)) }), /only be used with an imported key/);
});

test("a new version of an imported key is imported", async () => {
  const [first, second] = [randomBytes(16), randomBytes(16)];
  await rig.post("keys/two/import", { type: "aes128-gcm96", ciphertext: wrap(wrappingKey, first), exportable: true });
  await rig.post("keys/two/import_version", { ciphertext: wrap(wrappingKey, second) });
  assert.deepEqual((await rig.get("export/encryption-key/two"))["keys"], { 1: base64(first), 2: base64(second) });
});

test("a public key alone verifies and encrypts; its private half may come later", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await rig.post("keys/half/import", { type: "rsa-2048", public_key: publicKey.export(spki) });
  const { ciphertext } = await rig.post("encrypt/half", { plaintext: PLAINTEXT });
  assert.match(await rig.refused("decrypt/half", { ciphertext }), /does not have a private counterpart/);
  assert.match(await rig.refused("sign/half", { input: "" }), /does not contain a private part/);
  const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  assert.match(await rig.refused("keys/half/import_version", { version: 1, ciphertext: wrap(wrappingKey, other.export(pkcs8)) }), /key pair does not match/);
  assert.match(await rig.refused("keys/half/import_version", { version: 1, public_key: publicKey.export(spki) }), /already has a public key/);
  await rig.post("keys/half/import_version", { ciphertext: wrap(wrappingKey, privateKey.export(pkcs8)) });
  assert.equal((await rig.get("keys/half"))["latest_version"], 1, "it completed the version");
  assert.deepEqual(await rig.post("decrypt/half", { ciphertext }), { plaintext: PLAINTEXT });
  assert.match(await rig.refused("keys/half/import_version", { version: 1, ciphertext: wrap(wrappingKey, privateKey.export(pkcs8)) }), /cannot be updated/);
  assert.match(await rig.refused("keys/half/import_version", { version: 9, ciphertext: wrap(wrappingKey, privateKey.export(pkcs8)) }), /no such key version/);
});

test("a key goes to another mount wrapped for that one's wrapping key", async () => {
  const other = await transitRig();
  await other.post("keys/source", { exportable: true });
  await other.post("keys/source/rotate");
  await other.post("keys/theirs/import", { type: "rsa-4096", public_key: wrappingKey });
  const { keys } = (await other.get("byok-export/theirs/source/latest")) as { keys: Record<string, string> };
  await rig.post("keys/moved/import", { ciphertext: keys["2"], exportable: true });
  const { ciphertext } = await rig.post("encrypt/moved", { plaintext: PLAINTEXT });
  assert.deepEqual(await other.post("decrypt/source", { ciphertext: (ciphertext as string).replace("v1", "v2") }), { plaintext: PLAINTEXT });
  await other.post("keys/kept");
  for (const path of ["byok-export/theirs/kept", "byok-export/source/source", "byok-export/none/source", "byok-export/theirs/none"]) assert.equal((await other.request("GET", `transit/${path}`)).status, 400, path);
  assert.equal((await other.request("GET", "transit/byok-export/theirs/source", undefined, { query: { hash: "MD5" } })).status, 400);
});

test("two peers derive the same key", async () => {
  const other = await transitRig();
  for (const one of [rig, other]) await one.post("keys/dh", { type: "ecdsa-p384" });
  const publicOf = async ({ get }: typeof rig) => ((await get("keys/dh"))["keys"] as Record<string, { public_key: string }>)["1"]!.public_key;
  await rig.post("derive-key/shared", { base_key_name: "dh", peer_public_key: await publicOf(other) });
  await other.post("derive-key/shared", { base_key_name: "dh", peer_public_key: await publicOf(rig) });
  const { ciphertext } = await rig.post("encrypt/shared", { plaintext: PLAINTEXT });
  assert.deepEqual(await other.post("decrypt/shared", { ciphertext }), { plaintext: PLAINTEXT });
  const peer = await publicOf(other);
  for (const [body, error] of [
    [{ base_key_name: "dh" }, /peer public key not provided/],
    [{ base_key_name: "dh", peer_public_key: "x" }, /failed to parse supplied peer/],
    [{ base_key_name: "none", peer_public_key: peer }, /base key not found/],
    [{ base_key_name: "shared", peer_public_key: peer }, /does not support key agreement/],
    [{ base_key_name: "dh", peer_public_key: peer, base_key_version: 2 }, /higher than the latest/],
    [{ base_key_name: "dh", peer_public_key: peer, base_key_version: -1 }, /is negative/],
    [{ base_key_name: "dh", peer_public_key: peer, derived_key_type: "rsa-2048" }, /unknown key type/],
    [{ base_key_name: "dh", peer_public_key: peer, key_derivation_algorithm: "x" }, /not supported/],
    [{ base_key_name: "dh", peer_public_key: generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export(spki) }, /does not match peer/],
    [{ base_key_name: "dh", peer_public_key: generateKeyPairSync("ed25519").publicKey.export(spki) }, /not an ECDSA key/],
  ] as const) assert.match(await rig.refused("derive-key/another", body), error);
});

const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const BAD: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
  ["nothing", { type: "rsa-2048" }, /not a public key in PEM/],
  ["a public key for a symmetric type", { public_key: ec.publicKey.export(spki) }, /does not support public_key import/],
  ["a public key that is none", { type: "ecdsa-p256", public_key: "x" }, /not a public key in PEM/],
  ["a private key for a public one", { type: "ecdsa-p256", public_key: ec.privateKey.export({ type: "pkcs8", format: "pem" }) }, /not a public key in PEM/],
  ["a public key for another curve", { type: "ecdsa-p384", public_key: ec.publicKey.export(spki) }, /invalid curve: expected P-384/],
  ["a public key for another type", { type: "rsa-2048", public_key: ec.publicKey.export(spki) }, /invalid key type: expected rsa-2048/],
  ["a public key for a derived one", { type: "ed25519", derived: true, public_key: generateKeyPairSync("ed25519").publicKey.export(spki) }, /HKDF key/],
  ["a private key for another type", { type: "ed25519", ciphertext: wrap(wrappingKey, ec.privateKey.export(pkcs8)) }, /invalid key type: expected ed25519/],
  ["a private key that is none", { type: "ed25519", ciphertext: wrap(wrappingKey, randomBytes(48)) }, /not a PKCS #8 private key/],
  ["an AES key too short", { ciphertext: wrap(wrappingKey, randomBytes(16)) }, /invalid key size 16 bytes/],
  ["an HMAC key too short", { type: "hmac", ciphertext: wrap(wrappingKey, randomBytes(16)) }, /invalid key size 16 bytes/],
  ["what is not wrapped", { ciphertext: base64(randomBytes(600)) }, /cannot be unwrapped/],
  ["what is wrapped with another hash", { ciphertext: wrap(wrappingKey, randomBytes(32), "sha1") }, /cannot be unwrapped/],
  ["what is too short", { ciphertext: base64(randomBytes(512)) }, /too short/],
  ["what is no base64", { ciphertext: "%" }, /illegal base64/],
  ["an unknown hash", { ciphertext: wrap(wrappingKey, randomBytes(32)), hash_function: "MD5" }, /unknown hash function: MD5/],
  ["an unknown type", { type: "des", ciphertext: "" }, /unknown key type/],
  ["convergence", { convergent_encryption: true, ciphertext: "aaaa" }, /convergent encryption/],
  ["rotation by itself without leave", { auto_rotate_period: "2h", ciphertext: "aaaa" }, /allow_rotation must be set/],
];

test("refused: what cannot be imported", async () => {
  for (const [what, body, error] of BAD) assert.match(await rig.refused("keys/bad/import", body), error, what);
  assert.match(await rig.refused("keys/two/import", { ciphertext: "aaaa" }), /cannot be used with an existing key/);
  assert.match(await rig.refused("keys/none/import_version", { ciphertext: "aaaa" }), /no key found with name none/);
});
