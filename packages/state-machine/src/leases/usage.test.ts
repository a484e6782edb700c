import assert from "node:assert/strict";
import { test } from "node:test";
import { createRig } from "../testing/rig.js";
import { createUsageCounter } from "./usage.js";

const PATIENCE_MS = 10_000;

async function until(isThere: () => boolean): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !isThere(); await new Promise(setImmediate)) assert.ok(performance.now() < end, "nothing was counted");
}

test("tokens and leases are counted in the background, again after a while", async () => {
  const { store, env, ask, policy, token, advance, node } = await createRig();
  await policy("reader", 'path "leased/*" { capabilities = ["read"] }');
  for (let i = 0; i < 3; i++) await ask("read", "leased/creds/a", undefined, { token: await token(["default", "reader"]) });
  const counter = createUsageCounter({ store, env, isSealed: () => node.sealed });
  assert.equal(counter.read(), undefined);
  await until(() => counter.read() !== undefined);
  const first = { expiring: 6, irrevocable: 0, tokens: 4, tokensByPolicy: { root: 1, default: 3, reader: 3 } };
  assert.deepEqual(counter.read(), first);
  await token(["reader"]);
  assert.deepEqual(counter.read(), first);
  advance(10);
  counter.read();
  await until(() => counter.read()?.tokens !== 4);
  assert.deepEqual(counter.read(), { expiring: 7, irrevocable: 0, tokens: 5, tokensByPolicy: { root: 1, default: 3, reader: 4 } });
  node.sealed = true;
  assert.equal(counter.read(), undefined);
});
