import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { test } from "node:test";
import { base64, transitRig } from "./testing.js";

const INPUT = base64("I owe you nothing");
const SIGNING = ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519", "rsa-2048"];

async function signers() {
  const rig = await transitRig();
  for (const type of SIGNING) await rig.post(`keys/${type}`, { type });
  return rig;
}

test("what a key signs is valid for its public key, and for nothing else", async () => {
  const { post, get } = await signers();
  for (const type of SIGNING) {
    const { signature, key_version: version } = (await post(`sign/${type}`, { input: INPUT })) as { signature: string; key_version: number };
    assert.equal(version, 1);
    assert.deepEqual(await post(`verify/${type}`, { input: INPUT, signature }), { valid: true });
    assert.deepEqual(await post(`verify/${type}`, { input: base64("I owe you"), signature }), { valid: false });
    if (type === "rsa-2048" || type === "ed25519") continue;
    const { public_key: pem } = ((await get(`keys/${type}`))["keys"] as Record<string, { public_key: string }>)["1"]!;
    assert.ok(verify("sha256", Buffer.from(INPUT, "base64"), createPublicKey(pem), Buffer.from(signature.slice("vault:v1:".length), "base64")));
  }
});

test("what is no pair of numbers is no signature of a curve's key, and another pair is a wrong one", async () => {
  const { request, post } = await signers();
  for (const type of ["ecdsa-p256", "ecdsa-p521"]) {
    const { signature } = (await post(`sign/${type}`, { input: INPUT })) as { signature: string };
    const bytes = Buffer.from(signature.split(":")[2]!, "base64");
    const verify = async (changed: Uint8Array) => request("POST", `transit/verify/${type}`, { input: INPUT, signature: `vault:v1:${base64(Buffer.from(changed))}` });
    for (let length = 0; length < bytes.length; length++) assert.deepEqual((await verify(bytes.subarray(0, length))).body.errors, ["supplied signature is invalid"], `${length}`);
    assert.deepEqual((await verify(Buffer.concat([bytes, Buffer.of(0)]))).body.errors, ["supplied signature contains extra data"]);
    const other = Buffer.from(bytes);
    other[bytes.length - 1]! ^= 1;
    assert.deepEqual((await verify(other)).body["data"], { valid: false });
  }
});

test("a JWS signature has the length that its standard says, in URL-safe base64", async () => {
  const { post } = await signers();
  for (const [type, bytes] of [["ecdsa-p256", 64], ["ecdsa-p384", 96], ["ecdsa-p521", 132], ["rsa-2048", 256]] as const) {
    const { signature } = (await post(`sign/${type}`, { input: INPUT, marshaling_algorithm: "jws" })) as { signature: string };
    const text = signature.slice("vault:v1:".length);
    assert.match(text, /^[\w-]+$/);
    assert.equal(Buffer.from(text, "base64url").length, bytes);
    assert.deepEqual(await post(`verify/${type}`, { input: INPUT, signature, marshaling_algorithm: "jws" }), { valid: true });
  }
});

test("a derived key signs for a context, and tells its public key", async () => {
  const { post, get, refused } = await transitRig();
  await post("keys/ed", { type: "ed25519", derived: true });
  const [context, other] = [base64("one"), base64("two")];
  assert.match(await refused("sign/ed", { input: INPUT }), /missing 'context'/);
  const { signature, public_key: publicKey } = await post("sign/ed", { input: INPUT, context });
  assert.deepEqual(await post("verify/ed", { input: INPUT, context, signature }), { valid: true });
  assert.deepEqual(await post("verify/ed", { input: INPUT, context: other, signature }), { valid: false });
  const shown = async (query: Readonly<Record<string, string>>) => ((await get("keys/ed", query))["keys"] as Record<string, { public_key: string }>)["1"]!.public_key;
  assert.deepEqual([await shown({}), await shown({ context })], ["", publicKey]);
});

test("signing in a batch gives each item its own result, and the status stays 200", async () => {
  const { post } = await signers();
  const { batch_results: results } = (await post("sign/rsa-2048", { batch_input: [{ input: INPUT, reference: "a" }, { input: "%" }, { reference: "c" }] })) as { batch_results: Record<string, unknown>[] };
  assert.deepEqual(results.map(({ reference, key_version: version, error }) => [reference, version, error]), [["a", 1, undefined], ["", 0, "unable to decode input as base64: illegal base64 data at input byte 0"], ["c", 0, "missing input"]]);
  const verified = await post("verify/rsa-2048", { batch_input: [{ input: INPUT, signature: results[0]!["signature"], reference: "a" }, { input: INPUT, signature: "x" }] });
  assert.deepEqual(verified["batch_results"], [{ valid: true, reference: "a" }, { valid: false, error: "invalid signature: no prefix", reference: "" }]);
});

test("min_encryption_version and min_decryption_version hold for signatures and HMACs too", async () => {
  const { post, refused } = await transitRig();
  await post("keys/ed", { type: "ed25519" });
  const { signature } = await post("sign/ed", { input: INPUT });
  const { hmac } = await post("hmac/ed", { input: INPUT });
  await post("keys/ed/rotate");
  await post("keys/ed/config", { min_encryption_version: 2 });
  assert.match(await refused("sign/ed", { input: INPUT, key_version: 1 }), /less than the minimum/);
  assert.match(await refused("hmac/ed", { input: INPUT, key_version: 1 }), /too old/);
  assert.deepEqual(await post("verify/ed", { input: INPUT, signature }), { valid: true });
  await post("keys/ed/config", { min_decryption_version: 2 });
  assert.match(await refused("verify/ed", { input: INPUT, signature }), /too old/);
  assert.match(await refused("verify/ed", { input: INPUT, hmac }), /too old/);
});

test("every key makes HMACs, with each hash function, and tells right from wrong", async () => {
  const { post } = await transitRig();
  await post("keys/h", { type: "hmac", key_size: 64 });
  await post("keys/a");
  for (const name of ["h", "a"]) {
    for (const algorithm of ["sha2-224", "sha2-256", "sha2-384", "sha2-512", "sha3-224", "sha3-256", "sha3-384", "sha3-512"]) {
      const { hmac } = await post(`hmac/${name}/${algorithm}`, { input: INPUT });
      assert.deepEqual((await post(`hmac/${name}`, { input: INPUT, algorithm }))["hmac"], hmac);
      assert.deepEqual(await post(`verify/${name}/${algorithm}`, { input: INPUT, hmac }), { valid: true });
      assert.deepEqual(await post(`verify/${name}/${algorithm}`, { input: base64("else"), hmac }), { valid: false });
    }
  }
  const { batch_results: results } = (await post("hmac/h", { batch_input: [{ input: INPUT, reference: "r" }, {}] })) as { batch_results: Record<string, unknown>[] };
  assert.deepEqual(results[1], { error: "missing input for HMAC", reference: "" });
  assert.deepEqual((await post("verify/h", { batch_input: [{ input: INPUT, hmac: results[0]!["hmac"] }] }))["batch_results"], [{ valid: true, reference: "" }]);
});

const S = "vault:v1:aaaa";
const BAD: readonly (readonly [string, string, Readonly<Record<string, unknown>>, RegExp])[] = [
  ["an unknown hash", "sign/rsa-2048", { hash_algorithm: "md5" }, /invalid hash algorithm "md5"/],
  ["the name of a member of every object", "sign/rsa-2048/constructor", {}, /invalid hash algorithm/],
  ["no hash without its conditions", "sign/rsa-2048", { hash_algorithm: "none" }, /requires both prehashed=true/],
  ["an unknown marshaling", "sign/ecdsa-p256", { marshaling_algorithm: "xml" }, /invalid marshaling type/],
  ["an unknown scheme", "sign/rsa-2048", { signature_algorithm: "raw" }, /unsupported rsa signature algorithm raw/],
  ["a salt that is none", "sign/rsa-2048", { salt_length: "some" }, /neither 'auto', 'hash', nor an int/],
  ["a negative salt", "sign/rsa-2048", { salt_length: "-2" }, /salt length is invalid/],
  ["a salt too long", "sign/rsa-2048", { salt_length: "1000" }, /requested salt length 1000 is invalid/],
  ["a digest of another length", "sign/rsa-2048", { prehashed: true, input: "YQ==" }, /must be hashed/],
  ["an input that is no base64", "sign/ed25519", { input: "%" }, /unable to decode input/],
  ["a context that is no base64", "sign/ed25519", { context: "%" }, /illegal base64/],
  ["a version to come", "sign/ed25519", { key_version: 2 }, /higher than the latest/],
  ["a version of before", "sign/ed25519", { key_version: -1 }, /is negative/],
  ["a key that does not sign", "sign/aes", {}, /does not support signing/],
  ["no key", "sign/none", {}, /signing key not found/],
  ["neither signature nor hmac", "verify/ed25519", {}, /neither a 'signature' nor an 'hmac'/],
  ["both", "verify/ed25519", { signature: S, hmac: S }, /provide one of/],
  ["both in a batch", "verify/ed25519", { batch_input: [{ input: "", signature: S }, { input: "", hmac: S }] }, /must all provide/],
  ["one missing in a batch", "verify/ed25519", { batch_input: [{ input: "", signature: S }, { input: "" }] }, /missing 'signature'/],
  ["all missing in a batch", "verify/ed25519", { batch_input: [{ input: "" }] }, /no batch_input elements/],
  ["a signature without prefix", "verify/ed25519", { signature: "x" }, /no prefix/],
  ["a signature to come", "verify/ed25519", { signature: "vault:v2:aaaa" }, /too new/],
  ["a signature that is no base64", "verify/ed25519", { signature: "vault:v1:%" }, /invalid base64 signature/],
  ["a key that does not verify", "verify/aes", { signature: S }, /does not support verification/],
  ["no key to verify with", "verify/none", { signature: S }, /signature verification key not found/],
  ["an HMAC without prefix", "verify/aes", { hmac: "x" }, /invalid HMAC: no prefix/],
  ["an HMAC to come", "verify/aes", { hmac: "vault:v2:aaaa" }, /too new/],
  ["no input for an HMAC", "hmac/aes", {}, /missing input for HMAC/],
  ["an HMAC of a version to come", "hmac/aes", { input: "", key_version: 2 }, /latest key version is 1/],
  ["an HMAC of a version of before", "hmac/aes", { input: "", key_version: -1 }, /cannot be negative/],
  ["an HMAC with an unknown hash", "hmac/aes", { input: "", algorithm: "md5" }, /invalid hash algorithm/],
  ["a batch of numbers", "sign/ed25519", { batch_input: [1] }, /expected a map/],
];

test("refused: what makes no sense in any field", async () => {
  const { post, refused } = await signers();
  await post("keys/aes");
  for (const [what, path, body, error] of BAD) assert.match(await refused(path, body), error, what);
});
