import assert from "node:assert/strict";
import { test } from "node:test";
import { createRig } from "../testing/rig.js";
import { createUsageCounter } from "./usage.js";

const settled = async (read: () => unknown) => {
  for (let i = 0; i < 1000 && read() === undefined; i++) await new Promise(setImmediate);
};

test("tokens and leases are counted in the background, again after a while", async () => {
  const { store, env, ask, policy, token, advance, node } = await createRig();
  await policy("reader", 'path "leased/*" { capabilities = ["read"] }');
  for (let i = 0; i < 3; i++) await ask("read", "leased/creds/a", undefined, { token: await token(["default", "reader"]) });
  const counter = createUsageCounter({ store, env, isSealed: () => node.sealed });
  assert.equal(counter.read(), undefined);
  await settled(counter.read);
  const first = { expiring: 6, irrevocable: 0, tokens: 4, tokensByPolicy: { root: 1, default: 3, reader: 3 } };
  assert.deepEqual(counter.read(), first);
  await token(["reader"]);
  assert.deepEqual(counter.read(), first);
  advance(10);
  counter.read();
  for (let i = 0; i < 100; i++) await new Promise(setImmediate);
  assert.deepEqual(counter.read(), { expiring: 7, irrevocable: 0, tokens: 5, tokensByPolicy: { root: 1, default: 3, reader: 4 } });
  node.sealed = true;
  assert.equal(counter.read(), undefined);
});
