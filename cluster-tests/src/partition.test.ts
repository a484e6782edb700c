import assert from "node:assert/strict";
import test from "node:test";
import type { TestContext } from "node:test";
import { startCluster } from "./harness/cluster.js";
import type { TestCluster } from "./harness/cluster.js";
import { createNetwork } from "./harness/network.js";
import type { TestNetwork } from "./harness/network.js";
import { createProxies } from "./harness/proxies.js";
import type { NodeProcess } from "./harness/node-process.js";
import { startTraffic } from "./harness/traffic.js";
import { until } from "./harness/until.js";

interface Partitioned<Network> {
  readonly cluster: TestCluster;
  readonly network: Network;
  indexOf(node: NodeProcess): number;
}

async function started<Network extends TestNetwork = TestNetwork>(t: TestContext, nodes = 3, network: Network = createNetwork(nodes) as Network): Promise<Partitioned<Network>> {
  t.diagnostic(`cut by ${network.means}`);
  t.after(() => network.remove());
  const cluster = await startCluster({ nodes, network });
  t.after(() => cluster.stop());
  return { cluster, network, indexOf: (node) => cluster.nodes.indexOf(node) };
}

const put = (cluster: TestCluster, node: NodeProcess, n: number, timeoutMs = 20_000) => cluster.client(node).request("POST", "secret/data/partition", { body: { data: { n } }, timeoutMs });

/** Of the last entry in the leader's log: it moves with every election that somebody wins. */
async function termOf(cluster: TestCluster, leader: NodeProcess): Promise<number> {
  const { data } = await cluster.client(leader).request<{ servers: Record<string, { last_term: number }> }>("GET", "sys/storage/raft/autopilot/state");
  return data.servers[leader.id]!.last_term;
}

test("a leader cut off from the others gives up, the others go on, and nothing acknowledged is lost", async (t) => {
  const { cluster, network, indexOf } = await started(t);
  const traffic = startTraffic(cluster);
  for (let round = 0; round < 2; round++) {
    const leader = await cluster.active();
    const others = cluster.nodes.filter((node) => node !== leader);
    network.isolate(indexOf(leader));
    const begin = performance.now();
    await until("the others acknowledge a write", 60_000, () => Promise.any(others.map((node) => put(cluster, node, round, 5000).then(() => true))));
    t.diagnostic(`cut to the next acknowledged write: ${Math.round(performance.now() - begin)} ms`);
    await Promise.all([
      assert.rejects(put(cluster, leader, -1), { status: 503 }),
      assert.rejects(cluster.client(leader).request("GET", "secret/data/partition"), { status: 503 }, "nor does it serve reads of the past"),
    ]);
    network.heal();
    await until("it follows again", 60_000, async () => (await cluster.standbys()).includes(leader));
  }
  const { reads, writes } = await traffic.finish();
  t.diagnostic(`${writes} writes and ${reads} reads checked`);
});

test("a follower that is cut off and returns does not disturb the leader", async (t) => {
  const { cluster, network, indexOf } = await started(t);
  const leader = await cluster.active();
  const [away] = await cluster.standbys();
  const traffic = startTraffic(cluster);
  const term = await termOf(cluster, leader);
  network.isolate(indexOf(away!));
  await assert.rejects(put(cluster, away!, 1), { status: 503 });
  await put(cluster, leader, 2);
  network.heal();
  await until("it follows again", 60_000, () => put(cluster, away!, 3).then(() => true));
  assert.deepEqual([await cluster.active(), await termOf(cluster, leader)], [leader, term]);
  await traffic.finish();
});

test("links that fail in one direction: a leader that hears nobody makes way, one that a single follower does not hear stays", async (t) => {
  const { cluster, network, indexOf } = await started(t);
  const traffic = startTraffic(cluster);
  const deaf = await cluster.active();
  const others = cluster.nodes.filter((node) => node !== deaf);
  for (const other of others) network.drop(indexOf(other), indexOf(deaf));
  await until("another one leads", 60_000, () => Promise.any(others.map((node) => cluster.client(node).send("GET", "sys/health", { timeoutMs: 1000 }).then(({ status }) => status === 200 || Promise.reject(new Error("not active"))))));
  network.heal();
  const leader = await cluster.active();
  const [unheard] = await cluster.standbys();
  await until("all are well", 60_000, () => put(cluster, unheard!, 1).then(() => true));
  const term = await termOf(cluster, leader);
  network.drop(indexOf(leader), indexOf(unheard!));
  for (let n = 0; n < 40; n++) await put(cluster, leader, n);
  assert.equal(await termOf(cluster, leader), term, "the one that hears nothing cannot win, nor force an election");
  network.heal();
  await traffic.finish();
});

test("five nodes split two to three: the three serve, the two do not", async (t) => {
  const { cluster, network, indexOf } = await started(t, 5);
  const traffic = startTraffic(cluster);
  const leader = await cluster.active();
  const minority = [leader, cluster.nodes.find((node) => node !== leader)!];
  const majority = cluster.nodes.filter((node) => !minority.includes(node));
  for (const [a, b] of minority.flatMap((one) => majority.map((other) => [indexOf(one), indexOf(other)] as const))) {
    network.drop(a, b);
    network.drop(b, a);
  }
  await until("the three acknowledge a write", 60_000, () => Promise.any(majority.map((node) => put(cluster, node, 1, 5000).then(() => true))));
  await Promise.all(minority.map((node) => assert.rejects(put(cluster, node, -1), { status: 503 }, node.id)));
  network.heal();
  await until("the two follow", 60_000, async () => (await cluster.standbys()).length === 4);
  await traffic.finish();
});

/** Each way. There and back has to be within an election timeout: no question for a read point waits longer for its answer. */
const DELAY_MS = 150;

test("a follower at the end of a slow line holds up nobody, stays a follower, and reads what is there", async (t) => {
  const { cluster, network, indexOf } = await started(t, 3, createProxies());
  const traffic = startTraffic(cluster);
  const leader = await cluster.active();
  const [near, far] = (await cluster.standbys()) as [NodeProcess, NodeProcess];
  const term = await termOf(cluster, leader);
  for (const other of [leader, near]) {
    network.delay(indexOf(far), indexOf(other), DELAY_MS);
    network.delay(indexOf(other), indexOf(far), DELAY_MS);
  }
  traffic.use([leader, near]);
  const times: number[] = [];
  for (let n = 1; n <= 40; n++) {
    const begin = performance.now();
    await put(cluster, leader, n);
    times.push(performance.now() - begin);
  }
  const median = times.sort((a, b) => a - b)[times.length / 2]!;
  t.diagnostic(`median of a write: ${Math.round(median)} ms`);
  assert.ok(median < DELAY_MS, `${median} ms`);
  // What comes through such a line is bounded (64 KiB on their way): under load the follower stays behind, and would not catch up in time.
  await traffic.finish();
  const begin = performance.now();
  const { data } = await cluster.client(far).request<{ data: { n: number } }>("GET", "secret/data/partition", { timeoutMs: 20_000 });
  assert.equal(data.data.n, 40);
  assert.ok(performance.now() - begin >= 2 * DELAY_MS, "it asks the leader");
  assert.deepEqual([await cluster.active(), await termOf(cluster, leader)], [leader, term]);
  network.heal();
});
