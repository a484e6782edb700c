import assert from "node:assert/strict";
import { constants, createHash, generateKeyPairSync, sign, verify } from "node:crypto";
import { test } from "node:test";
import { createTestClock, createTestEnvironment } from "../testing/environment.js";
import { signDigestEc, signDigestPkcs1, signDigestPss, verifyDigestEc, verifyDigestPkcs1, verifyDigestPss } from "./digest-signature.js";
import { hashAlgorithm } from "./hash-algorithms.js";
import { typeOf } from "./key-types.js";
import type { EcType } from "./key-types.js";
import { longestSalt } from "./pss.js";

/** OpenSSL, which hashes what it signs, is the judge of what is made of a digest, and the other way round. */
const MESSAGE = Buffer.from("what is signed");
const HASHES = ["sha1", "sha2-224", "sha2-256", "sha2-384", "sha2-512", "sha3-224", "sha3-256", "sha3-384", "sha3-512"];
const env = createTestEnvironment(createTestClock(), "pss");
const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_AUTO, RSA_PSS_SALTLEN_MAX_SIGN } = constants;
const digest = (name: string) => createHash(hashAlgorithm(name).openssl).update(MESSAGE).digest();

/** A modulus of 8n + 1 bits has no byte of its own for the top bits of the encoding. */
for (const bits of [2048, 2049, 2055]) {
  test(`PSS of a digest with ${bits} bits is what OpenSSL makes and takes`, async () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: bits });
    for (const name of HASHES) {
      const hash = hashAlgorithm(name);
      for (const salt of [undefined, 0, 11, hash.bytes, longestSalt(hash, bits)]) {
        const made = await signDigestPss(privateKey, digest(name), hash, salt, env);
        assert.ok(verify(hash.openssl, MESSAGE, { key: publicKey, padding: RSA_PKCS1_PSS_PADDING, saltLength: salt ?? RSA_PSS_SALTLEN_AUTO }, made), `${name} ${salt}`);
        const theirs = sign(hash.openssl, MESSAGE, { key: privateKey, padding: RSA_PKCS1_PSS_PADDING, saltLength: salt ?? RSA_PSS_SALTLEN_MAX_SIGN });
        assert.ok(verifyDigestPss(publicKey, digest(name), hash, theirs, undefined), `${name} ${salt}`);
        assert.ok(verifyDigestPss(publicKey, digest(name), hash, theirs, salt ?? longestSalt(hash, bits)));
        assert.ok(!verifyDigestPss(publicKey, digest(name), hash, theirs, (salt ?? longestSalt(hash, bits)) + 1));
        theirs[theirs.length >> 1]! ^= 1;
        assert.ok(!verifyDigestPss(publicKey, digest(name), hash, theirs, undefined));
      }
    }
  });
}

test("PKCS #1 v1.5 of a digest is what OpenSSL makes and takes", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  for (const name of HASHES) {
    const hash = hashAlgorithm(name);
    const theirs = sign(hash.openssl, MESSAGE, { key: privateKey, padding: RSA_PKCS1_PADDING });
    assert.deepEqual(await signDigestPkcs1(privateKey, digest(name), hash), theirs, name);
    assert.ok(verifyDigestPkcs1(publicKey, digest(name), hash, theirs));
    theirs[0]! ^= 1;
    assert.ok(!verifyDigestPkcs1(publicKey, digest(name), hash, theirs));
  }
  assert.throws(() => signDigestPkcs1(privateKey, Buffer.alloc(31), hashAlgorithm("sha2-256")), /must be hashed/);
  assert.throws(() => signDigestPkcs1(privateKey, Buffer.alloc(300), undefined), /too long/);
});

for (const name of ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521"] as const) {
  test(`${name} of a digest is what OpenSSL makes and takes`, async () => {
    const type = typeOf(name) as EcType;
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: type.opensslCurve });
    for (const hash of HASHES) {
      for (const [format, dsaEncoding] of [["der", "der"], ["compact", "ieee-p1363"]] as const) {
        const made = await signDigestEc(type, privateKey, digest(hash), format);
        assert.ok(verify(hashAlgorithm(hash).openssl, MESSAGE, { key: publicKey, dsaEncoding }, made), `${hash} ${format}`);
        const theirs = sign(hashAlgorithm(hash).openssl, MESSAGE, { key: privateKey, dsaEncoding });
        assert.ok(await verifyDigestEc(type, publicKey, digest(hash), theirs, format), `${hash} ${format}`);
        assert.ok(!(await verifyDigestEc(type, publicKey, Buffer.alloc(32, 1), theirs, format)));
        assert.ok(!(await verifyDigestEc(type, publicKey, digest(hash), Buffer.from("no signature"), format)));
      }
    }
  });
}

test("while digests are signed, the thread that answers requests goes on", async () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 4096 });
  const hash = hashAlgorithm("sha2-256");
  await signDigestPss(privateKey, digest("sha2-256"), hash, undefined, env);
  let turns = 0;
  let isDone = false;
  const count = () => {
    turns++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const made = await Promise.all(Array.from({ length: 20 }, () => signDigestPkcs1(privateKey, digest("sha2-256"), hash)));
  isDone = true;
  assert.equal(new Set(made.map((one) => one.toString("hex"))).size, 1);
  assert.ok(turns > made.length, `${turns} turns`);
});
