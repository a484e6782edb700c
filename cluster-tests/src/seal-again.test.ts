import assert from "node:assert/strict";
import test from "node:test";
import { startCluster } from "./harness/cluster.js";
import { until } from "./harness/until.js";

test("a node that is sealed and unsealed while it leads becomes active anew", async (t) => {
  const cluster = await startCluster({ nodes: 1 });
  t.after(() => cluster.stop());
  const [node] = cluster.nodes as [(typeof cluster.nodes)[0]];
  const client = cluster.client(node);
  const activations = () => [...node.log().matchAll(/this node is active now: term=(\d+)/g)].map(([, term]) => term);
  const activeSince = async () => (await client.request<unknown, { active_time: string }>("GET", "sys/leader")).active_time;
  const [before, since] = [activations(), await activeSince()];
  await client.send("PUT", "sys/seal");
  await cluster.unseal(node);
  const after = await until("it has become active again", 60_000, () => activations().length > before.length && activations());
  assert.deepEqual(after, [...before, before.at(-1)], "in the term in which it was before");
  assert.notEqual(await activeSince(), since);
  assert.equal((await client.send("GET", "sys/mounts")).status, 200);
});
