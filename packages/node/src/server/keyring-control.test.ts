import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import test from "node:test";
import { createBarrier, createMemoryLog, createStore, initialize, jsonCodec, readKeyring } from "@coffer/state-machine";
import { sealSet } from "../seals/seal-set.js";
import { createKeyringControl } from "./keyring-control.js";

const DAY_MS = 86_400_000;
const rotation = jsonCodec<{ enabled: boolean; maxOperations: number; intervalSeconds: number }>();

async function keyringOf(config: { enabled?: boolean; maxOperations?: number; intervalSeconds?: number }) {
  let now = 1_700_000_000_000;
  const env = { now: () => now, randomBytes: (length: number) => new Uint8Array(randomBytes(length)), uuid: () => randomUUID() };
  const { log, reader } = await createMemoryLog();
  const barrier = createBarrier();
  const store = createStore({ log, reader, barrier });
  await store.transact(async (tx) => {
    barrier.unlock((await initialize(tx, { shares: 1, threshold: 1, env })).keys);
    tx.put("core/rotation-config", rotation, { enabled: true, maxOperations: 1_000_000, intervalSeconds: 0, ...config });
  });
  const stored = () => readKeyring({ getRaw: (key) => reader.get(key)?.sealed }, barrier.rootKey())!;
  log.onApplied(({ keys }) => keys.includes("core/keyring") && barrier.unlock(stored()));
  const notes: string[] = [];
  const keyring = createKeyringControl({ barrier, store, env, seals: sealSet([]), activeTerm: () => 1, note: (message, fields) => notes.push(`${message} ${JSON.stringify(fields)}`) });
  return { keyring, barrier, stored, notes, pass: (ms: number) => void (now += ms) };
}

test("a key that is too old is rotated by itself, a younger one is not", async () => {
  const { keyring, pass, notes } = await keyringOf({ intervalSeconds: 86_400 });
  await keyring.maintain();
  pass(DAY_MS - 1);
  await keyring.maintain();
  assert.equal(keyring.status().term, 1);
  pass(1);
  await keyring.maintain();
  await keyring.maintain();
  assert.deepEqual([keyring.status().term, notes], [2, ['the encryption key was rotated by itself {"reason":"interval","term":2}']]);
});

test("a key that encrypted often enough is rotated by itself, unless that is turned off", async () => {
  for (const [enabled, term] of [[true, 2], [false, 1]] as const) {
    const { keyring, barrier } = await keyringOf({ enabled, maxOperations: 50 });
    for (let count = 0; count < 50; count++) barrier.encrypt("k", new Uint8Array(1));
    await keyring.maintain();
    assert.equal(keyring.status().term, term);
  }
});

test("how often a key encrypted is recorded for the next active node", async () => {
  const { keyring, barrier, stored } = await keyringOf({});
  await keyring.maintain();
  const before = stored().keyring[0]!.encryptions;
  for (let count = 0; count < 7; count++) barrier.encrypt("k", new Uint8Array(1));
  await keyring.maintain();
  assert.equal(stored().keyring[0]!.encryptions, keyring.status().encryptions);
  assert.ok(stored().keyring[0]!.encryptions >= before + 7);
});
