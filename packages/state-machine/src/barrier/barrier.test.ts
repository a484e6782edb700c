import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { RequestError } from "../errors.js";
import { jsonCodec } from "../framework/storage.js";
import { createMemoryLog } from "../store/memory-log.js";
import { createStore } from "../store/store.js";
import { createBarrier } from "./barrier.js";
import { deriveKey } from "./derive.js";
import { initialize, readClusterInfo, readKeyring, readSealConfig, unsealSession } from "./initialize.js";
import { createKeyring, openKeyring, rotateKeyring, sealKeyring } from "./keyring.js";
import { BarrierError } from "./sealed-value.js";
import { combineShares, splitKey } from "./shamir-seal.js";

const env = { now: () => 1_700_000_000_000, randomBytes: (length: number) => new Uint8Array(randomBytes(length)), uuid: () => randomUUID() };
const text = (value: string) => Buffer.from(value);

function unlockedBarrier() {
  const barrier = createBarrier();
  barrier.unlock({ rootKey: env.randomBytes(32), keyring: createKeyring(env) });
  return barrier;
}

test("a value opens only where it was sealed, unaltered, and under its own key", () => {
  const barrier = unlockedBarrier();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(), (plain, at) => {
      const sealed = barrier.encrypt("a/b", plain);
      assert.deepEqual(Buffer.from(barrier.decrypt("a/b", sealed)), Buffer.from(plain));
      assert.throws(() => barrier.decrypt("a/c", sealed), BarrierError);
      const altered = Buffer.from(sealed);
      altered[at % altered.length]! ^= 1;
      assert.throws(() => barrier.decrypt("a/b", altered), BarrierError);
      assert.throws(() => unlockedBarrier().decrypt("a/b", sealed), BarrierError);
      assert.throws(() => barrier.decrypt("a/b", plain), BarrierError);
    }),
  );
  assert.notDeepEqual(barrier.encrypt("k", text("same")), barrier.encrypt("k", text("same")));
});

test("rotation seals under a new term and still opens the old", () => {
  const barrier = unlockedBarrier();
  const old = barrier.encrypt("k", text("old"));
  assert.deepEqual(barrier.keyring().map(({ term, encryptions }) => [term, encryptions]), [[1, 1]]);
  barrier.unlock({ rootKey: barrier.rootKey(), keyring: rotateKeyring(barrier.keyring(), env) });
  const fresh = barrier.encrypt("k", text("new"));
  assert.deepEqual([Buffer.from(fresh).readUInt32BE(1), barrier.decrypt("k", old).toString(), barrier.decrypt("k", fresh).toString()], [2, "old", "new"]);
  const stored = sealKeyring(barrier.rootKey(), barrier.keyring());
  assert.deepEqual(openKeyring(barrier.rootKey(), stored).map(({ term, encryptions }) => [term, encryptions]), [[1, 1], [2, 1]]);
  assert.throws(() => openKeyring(env.randomBytes(32), stored), BarrierError);
});

test("sealing overwrites the keys and refuses everything after", () => {
  const keys = { rootKey: env.randomBytes(32), keyring: createKeyring(env) };
  const barrier = createBarrier();
  barrier.unlock(keys);
  barrier.seal();
  assert.ok(barrier.sealed() && keys.rootKey.every((byte) => byte === 0) && keys.keyring[0]!.key.every((byte) => byte === 0));
  for (const attempt of [() => barrier.encrypt("k", text("x")), () => barrier.decrypt("k", text("x")), () => barrier.rootKey()]) {
    assert.throws(attempt, (error: RequestError) => error.code === "sealed" && error.message === "Vault is sealed");
  }
});

test("keys that others take the place of are overwritten, those that stay in use are not", () => {
  const barrier = createBarrier();
  const rootKey = env.randomBytes(32);
  const first = createKeyring(env);
  barrier.unlock({ rootKey, keyring: first });
  const sealed = barrier.encrypt("k", Buffer.from("v"));
  const derived = barrier.derive("forwarding");
  // As from the feed after a rotation: the same root key, the keyring read anew.
  const loaded = rotateKeyring(first.map((row) => ({ ...row, key: new Uint8Array(row.key) })), env);
  barrier.unlock({ rootKey, keyring: loaded });
  assert.deepEqual([first[0]!.key, derived], [new Uint8Array(32), new Uint8Array(32)]);
  assert.equal(Buffer.from(barrier.decrypt("k", sealed)).toString(), "v");
  barrier.unlock({ rootKey: new Uint8Array(rootKey), keyring: loaded });
  assert.deepEqual(rootKey, new Uint8Array(32));
  assert.ok(loaded.every(({ key }) => key.some((byte) => byte !== 0)));
});

test("derived keys differ by purpose and are stable", () => {
  const root = new Uint8Array(32).fill(7);
  assert.deepEqual(deriveKey(root, "join-challenge"), deriveKey(root, "join-challenge"));
  assert.notDeepEqual(deriveKey(root, "join-challenge"), deriveKey(root, "snapshot-seal"));
});

test("any threshold of the shares gives the key", async () => {
  const numbers = fc.integer({ min: 2, max: 12 }).chain((shares) => fc.tuple(fc.constant(shares), fc.integer({ min: 2, max: shares })));
  await fc.assert(
    fc.asyncProperty(numbers, fc.infiniteStream(fc.nat()), async ([shares, threshold], order) => {
      const key = env.randomBytes(32);
      const parts = await splitKey(key, shares, threshold);
      assert.ok(parts.length === shares && parts.every((part) => part.length === 33));
      const chosen = parts.map((part) => ({ part, by: order.next().value as number })).sort((a, b) => a.by - b.by).slice(0, threshold);
      assert.deepEqual(Buffer.from(await combineShares(chosen.map(({ part }) => part), threshold)), Buffer.from(key));
    }),
    { numRuns: 40 },
  );
  const key = env.randomBytes(32);
  assert.deepEqual(await splitKey(key, 1, 1), [key]);
  assert.equal((await splitKey(key, 255, 255)).length, 255);
});

async function initialized(shares: number, threshold: number) {
  const { log, reader } = await createMemoryLog();
  const barrier = createBarrier();
  const store = createStore({ reader, log, barrier });
  const { value } = await store.transact(async (tx) => {
    const made = await initialize(tx, { shares, threshold, env, clusterName: "test" });
    barrier.unlock(made.keys);
    tx.put("logical/first", jsonCodec<string>(), "sealed with it");
    return made;
  });
  return { store, barrier, made: value, raw: { getRaw: (key: string) => reader.get(key)?.sealed } };
}

test("initialisation is one write set, once, and its shares unseal it", async () => {
  const { store, barrier, made, raw } = await initialized(5, 3);
  assert.equal(Buffer.from(raw.getRaw("logical/first")!).includes("sealed with it"), false);
  await assert.rejects(async () => store.evaluate((tx) => initialize(tx, { shares: 1, threshold: 1, env })), /Vault is already initialized/);
  assert.deepEqual([readSealConfig(raw)?.secret_threshold, readClusterInfo(raw)?.name], [3, "test"]);
  barrier.seal();
  store.clearCache();
  assert.throws(() => store.evaluate((tx) => tx.get("logical/first", jsonCodec())), /Vault is sealed/);

  const session = unsealSession(readSealConfig(raw)!, () => "nonce-1", () => raw);
  const [a, b, c] = made.shares as [Uint8Array, Uint8Array, Uint8Array];
  assert.deepEqual([await session.add(a), await session.add(a), session.progress(), session.nonce()], [undefined, undefined, 1, "nonce-1"]);
  session.reset();
  assert.deepEqual([session.progress(), session.nonce()], [0, ""]);
  // A wrong set starts over and opens nothing.
  await session.add(a);
  await session.add(b);
  await assert.rejects(session.add(c.map((byte, i) => (i === 0 ? byte ^ 1 : byte))), (error: RequestError) => error.code === "invalid_request" && error.message === "unseal failed, invalid key");
  assert.ok(session.progress() === 0 && barrier.sealed());
  for (const length of [0, 31, 34]) await assert.rejects(session.add(new Uint8Array(length)), /key is (shorter than minimum 32|longer than maximum 33) bytes/);
  // The same coordinate twice with different bytes.
  const twin = new Uint8Array(c);
  twin[0]! ^= 1;
  await session.add(c);
  await session.add(twin);
  await assert.rejects(session.add(b), /unseal failed/);
  await session.add(c);
  await session.add(a);
  barrier.unlock((await session.add(b))!);
  assert.equal(store.evaluate((tx) => tx.get("logical/first", jsonCodec<string>())).value, "sealed with it");
  assert.ok(readKeyring(raw, barrier.rootKey()));
});

test("one of one, and numbers that make no sense", async () => {
  const { made, raw } = await initialized(1, 1);
  assert.equal(made.shares[0]!.length, 32);
  const session = unsealSession(readSealConfig(raw)!, () => "n", () => raw);
  await assert.rejects(session.add(env.randomBytes(32)), /unseal failed/);
  assert.ok(await session.add(made.shares[0]!));
  for (const [shares, threshold] of [[0, 0], [5, 1], [3, 4], [256, 3], [2.5, 2]] as const) await assert.rejects(initialized(shares, threshold), RequestError);
});
