import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import test from "node:test";
import { createBarrier, createBreakGlass, createMemoryLog, createStore, jsonCodec, restoreEntries } from "@coffer/state-machine";
import type { Environment, InitResult, MemoryLog } from "@coffer/state-machine";
import { memoryLogger } from "../http/testing/echo-application.js";
import { createKeyringControl } from "../server/keyring-control.js";
import { openSeals, sealSet } from "../seals/seal-set.js";
import { createSealLifecycle } from "./seal-control.js";
import type { SealLifecycleOptions } from "./seal-control.js";

const env: Environment = { now: () => 1, randomBytes: (length) => new Uint8Array(randomBytes(length)), uuid: () => randomUUID() };
const codec = jsonCodec<string>();

/** One node on a log, which several may share. */
function nodeOn({ log, reader }: MemoryLog, more: Partial<SealLifecycleOptions> = {}) {
  const barrier = createBarrier();
  const store = createStore({ log, reader, barrier });
  const events: string[] = [];
  const made: SealLifecycleOptions = {
    nodeId: "n1", storageType: "raft", clusterName: undefined, isMember: false, log, store, barrier, env, seals: sealSet([]), logger: memoryLogger(),
    found: (write) => write(),
    enter: () => assert.fail("nobody joins here"),
    onUnsealed: () => void events.push("unsealed"),
    beforeSeal: async () => void events.push("before seal"),
    onSealed: () => void events.push("sealed"),
    ...more,
  };
  const seal = createSealLifecycle(made);
  return { seal, barrier, store, events, log };
}

async function initialised(shares: number, threshold: number) {
  const memory = await createMemoryLog();
  const node = nodeOn(memory);
  const made = await node.seal.init({ secretShares: shares, secretThreshold: threshold });
  return { ...node, made, memory };
}

const refused = (pattern: RegExp) => (error: { code?: string; message: string }) => error.code === "invalid_request" && pattern.test(error.message);

async function recordsOf({ reader }: MemoryLog): Promise<[string, Uint8Array][]> {
  const snapshot = reader.snapshot();
  const keys = await snapshot.keys("", "", 10_000);
  const records = keys.map((key): [string, Uint8Array] => [key, snapshot.get(key)!.sealed]);
  snapshot.close();
  return records;
}

async function restore(target: MemoryLog, source: MemoryLog): Promise<void> {
  for await (const entry of restoreEntries(randomUUID(), await recordsOf(source))) assert.equal((await target.log.propose(entry, target.log.leadership().term)).outcome, "applied");
}

test("initialising gives the shares once and leaves the node sealed", async () => {
  const { seal, barrier, events, made } = await initialised(3, 2);
  assert.equal(made.keys.length, 3);
  assert.ok(barrier.sealed());
  const { initialized, sealed, threshold, shares, progress } = seal.status();
  assert.deepEqual([initialized, sealed, threshold, shares, progress], [true, true, 2, 3, 0]);
  await assert.rejects(seal.init({ secretShares: 1, secretThreshold: 1 }), refused(/already initialized/));
  assert.deepEqual(events, []);
});

test("an initialisation that fails leaves nothing behind", async () => {
  const memory = await createMemoryLog();
  const doomed: SealLifecycleOptions["found"] = async (write) => {
    await write();
    throw new Error("disk full");
  };
  const { seal, barrier } = nodeOn(memory, { found: doomed });
  await assert.rejects(seal.init({ secretShares: 1, secretThreshold: 1 }), /disk full/);
  assert.deepEqual([seal.stage(), barrier.sealed(), seal.status().initialized], ["new", true, false]);
});

test("while it is initialised a node takes no second initialisation and no share", async () => {
  let finish = (): void => undefined;
  const { seal } = nodeOn(await createMemoryLog(), {
    found: async (write) => {
      await new Promise<void>((resolve) => (finish = resolve));
      return write();
    },
  });
  const first = seal.init({ secretShares: 1, secretThreshold: 1 });
  await assert.rejects(seal.init({ secretShares: 1, secretThreshold: 1 }), refused(/being initialized/));
  await assert.rejects(seal.unseal(new Uint8Array(32)), refused(/being initialized/));
  finish();
  assert.equal((await first).keys.length, 1);
});

test("a wrong set of shares opens nothing, and the next set starts over", async () => {
  const { seal, barrier, events, made: { keys: [a, b] } } = await initialised(3, 2);
  assert.equal((await seal.unseal(a!)).progress, 1);
  await assert.rejects(seal.unseal(b!.map((byte, i) => (i === 0 ? byte ^ 1 : byte))), refused(/invalid key/));
  assert.deepEqual([seal.status().progress, seal.status().nonce, barrier.sealed()], [0, "", true]);
  await seal.unseal(b!);
  assert.equal((await seal.unseal(a!)).sealed, false);
  assert.deepEqual(events, ["unsealed"]);
});

test("shares of a wrong length are refused, repeated ones count once, and progress can be dropped", async () => {
  const { seal, made: { keys: [a, b] } } = await initialised(3, 2);
  for (const length of [0, 16, 34]) await assert.rejects(seal.unseal(new Uint8Array(length)), refused(/key is (shorter|longer) than/));
  await seal.unseal(a!);
  assert.equal((await seal.unseal(a!)).progress, 1);
  assert.deepEqual([seal.resetUnseal().progress, seal.status().nonce], [0, ""]);
  assert.equal((await seal.unseal(b!)).progress, 1);
});

test("two requests with the last share unseal once", async () => {
  for (const [shares, threshold] of [[1, 1], [3, 2]] as const) {
    const { seal, barrier, events, made: { keys } } = await initialised(shares, threshold);
    if (threshold > 1) await seal.unseal(keys[1]!);
    const both = await Promise.all([seal.unseal(keys[0]!), seal.unseal(keys[0]!)]);
    assert.equal(both[0].sealed, false);
    assert.deepEqual(events, ["unsealed"]);
    const rootKey = barrier.rootKey();
    assert.ok(rootKey.some((byte) => byte !== 0), "the keys in use were not overwritten");
    assert.deepEqual([seal.status().progress, (await seal.unseal(keys[0]!)).sealed], [0, false]);
  }
});

test("sealing hands over first, then overwrites the keys; sealed, it does nothing", async () => {
  const { seal, barrier, store, events, made } = await initialised(1, 1);
  await seal.unseal(made.keys[0]!);
  await store.transact((tx) => tx.put("logical/k", codec, "v"));
  const keys = [barrier.rootKey(), ...barrier.keyring().map(({ key }) => key), barrier.derive("forwarding")];
  await seal.seal();
  for (const key of keys) assert.deepEqual(Buffer.from(key), Buffer.alloc(key.length));
  assert.throws(() => store.evaluate((tx) => tx.get("logical/k", codec)), /sealed/);
  await seal.seal();
  assert.deepEqual(events, ["unsealed", "before seal", "sealed"]);
  await seal.unseal(made.keys[0]!);
  assert.equal(store.evaluate((tx) => tx.get("logical/k", codec)).value, "v");
});

async function secondNode(memory: MemoryLog, { keys: [key] }: InitResult) {
  const other = nodeOn(memory, { isMember: true });
  await other.seal.unseal(key!);
  return other;
}

test("every unsealed node takes a new key term up from the feed", async () => {
  const { seal, barrier, store, made, memory } = await initialised(1, 1);
  await seal.unseal(made.keys[0]!);
  const standby = await secondNode(memory, made);
  await createKeyringControl({ barrier, store, env, seals: sealSet([]), activeTerm: () => 1, note: () => undefined }).rotate();
  assert.deepEqual([barrier.keyring().length, standby.barrier.keyring().length], [2, 2]);
  await store.transact((tx) => tx.put("logical/k", codec, "under the new term"));
  assert.equal(standby.store.evaluate((tx) => tx.get("logical/k", codec)).value, "under the new term");
});

test("a restore of the cluster's own state keeps the node unsealed, that of another one seals it", async () => {
  const { seal, barrier, events, made, memory } = await initialised(1, 1);
  await seal.unseal(made.keys[0]!);
  await restore(memory, memory);
  assert.equal(barrier.sealed(), false);

  const foreign = await initialised(3, 2);
  const rootKey = barrier.rootKey();
  await restore(memory, foreign.memory);
  assert.deepEqual([barrier.sealed(), seal.status().sealed, seal.status().threshold], [true, true, 2]);
  assert.deepEqual(Buffer.from(rootKey), Buffer.alloc(32));
  assert.deepEqual(events, ["unsealed", "sealed"]);
  await assert.rejects(async () => {
    await seal.unseal(made.keys[0]!);
    await seal.unseal(foreign.made.keys[0]!);
  }, refused(/invalid key/));
  for (const key of foreign.made.keys.slice(0, 2)) await seal.unseal(key);
  assert.equal(barrier.sealed(), false);
});

test("shares given to a sealed node do not count towards a state that replaced the first", async () => {
  const { seal, made, memory } = await initialised(5, 3);
  const foreign = await initialised(3, 2);
  await seal.unseal(made.keys[0]!);
  await restore(memory, foreign.memory);
  assert.equal(seal.status().progress, 0);
  await seal.unseal(foreign.made.keys[1]!);
  assert.equal((await seal.unseal(foreign.made.keys[2]!)).sealed, false);
});

test("a member joins nothing else, and asking a node that is not there leaves all as it was", async () => {
  const request = { leaderApiAddress: "http://127.0.0.1:1", retry: false, nonVoter: false };
  const fresh = nodeOn(await createMemoryLog());
  await assert.rejects(fresh.seal.join(request), (error: { code?: string }) => error.code === "upstream_failed");
  assert.equal(fresh.seal.stage(), "new");
  for (const bad of [{ leaderApiAddress: "unix:///run/x.sock" }, { leaderClientCertificate: "/etc/passwd", leaderClientKey: "/etc/passwd" }]) await assert.rejects(fresh.seal.join({ ...request, ...bad }), refused(/must be/));
  const { seal } = await initialised(1, 1);
  await assert.rejects(seal.join(request), refused(/part of a cluster already/));
});

test("a node may be initialised while it asks others in vain", async () => {
  const fresh = nodeOn(await createMemoryLog());
  const asking = fresh.seal.join({ leaderApiAddress: "http://127.0.0.1:1", retry: false, nonVoter: false });
  const initialising = fresh.seal.init({ secretShares: 1, secretThreshold: 1 });
  await assert.rejects(asking);
  assert.equal((await initialising).keys.length, 1);
  assert.equal(fresh.seal.stage(), "member");
});

test("shares given to a sealed node under an auto seal do not count once others took the recovery key's place", async () => {
  const key = Buffer.alloc(32, 7).toString("hex");
  const seals = openSeals({ seals: [{ type: "static", name: "static", priority: 1, disabled: false, options: { current_key_id: "1", current_key: key } }], environment: {}, logger: memoryLogger(), now: () => 1 });
  const memory = await createMemoryLog();
  const first = nodeOn(memory, { seals });
  const { recoveryKeys: old } = await first.seal.init({ secretShares: 0, secretThreshold: 0, recoveryShares: 3, recoveryThreshold: 3 });
  assert.equal(first.barrier.sealed(), false, "it unseals by itself");
  const second = nodeOn(memory, { seals, isMember: true });
  await second.seal.begin();
  await second.seal.seal();
  await second.seal.unseal(old![0]!);
  const { rekey } = createBreakGlass({ store: first.store, barrier: first.barrier, env, seals, activeTerm: () => 1, note: () => undefined });
  const { nonce } = await rekey.recovery.start("1", { secretShares: 1, secretThreshold: 1, pgpKeys: [], backup: false, requireVerification: false });
  let made;
  for (const [at, share] of old!.entries()) made = await rekey.recovery.update(`u${at}`, share, nonce);
  assert.deepEqual([second.seal.status().progress, second.seal.status().threshold], [0, 1]);
  await assert.rejects(second.seal.unseal(old![1]!), refused(/invalid key/));
  assert.equal((await second.seal.unseal(made!.shares[0]!)).sealed, false);
});
