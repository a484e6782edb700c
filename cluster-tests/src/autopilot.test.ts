import assert from "node:assert/strict";
import test from "node:test";
import { startCluster } from "./harness/cluster.js";
import { startTraffic } from "./harness/traffic.js";
import { until } from "./harness/until.js";

interface State {
  readonly healthy: boolean;
  readonly failure_tolerance: number;
  readonly leader: string;
  readonly voters: readonly string[];
  readonly servers: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** The least that Vault allows. */
const DEAD_SECONDS = 60;
const CLEANED_MS = 180_000;
const WATCH_MS = 5000;

test("dead servers are removed by themselves when they were silent for long enough, and as many stay as min_quorum says", async (t) => {
  const cluster = await startCluster({ nodes: 5, performanceMultiplier: 3 });
  t.after(() => cluster.stop());
  const leader = await cluster.active();
  const client = cluster.client(leader);
  const state = async () => (await client.request<State>("GET", "sys/storage/raft/autopilot/state")).data;
  const configure = (body: Record<string, unknown>) => client.request("POST", "sys/storage/raft/autopilot/configuration", { body });

  assert.deepEqual((await client.request<unknown>("GET", "sys/storage/raft/autopilot/configuration")).data, {
    cleanup_dead_servers: false, last_contact_threshold: "10s", dead_server_last_contact_threshold: "24h0m0s", max_trailing_logs: 1000, min_quorum: 0, server_stabilization_time: "10s", disable_upgrade_migration: false,
  }, "nothing is removed unless that is wanted");
  await configure({ cleanup_dead_servers: true, dead_server_last_contact_threshold: `${DEAD_SECONDS}s`, min_quorum: 4, last_contact_threshold: "2s" });
  const well = await until("all are healthy", 60_000, async () => ((found) => found.healthy && found)(await state()));
  assert.deepEqual([well.failure_tolerance, well.leader, [...well.voters].sort()], [2, leader.id, cluster.nodes.map(({ id }) => id)]);
  for (const { id, clusterAddress } of cluster.nodes) {
    const { last_contact: contact, last_term: term, last_index: index, stable_since: since, version, upgrade_version: upgrade, ...rest } = well.servers[id]!;
    assert.deepEqual(rest, { id, name: id, address: new URL(clusterAddress).host, node_status: "alive", healthy: true, status: id === leader.id ? "leader" : "voter", node_type: "voter", meta: null });
    assert.match(String(contact), /^(0s|[\d.]+m?s)$/);
    assert.ok(Number(term) > 0 && Number(index) > 0 && !Number.isNaN(Date.parse(String(since))) && version !== "" && version === upgrade);
  }

  const dead = (await cluster.standbys()).slice(0, 2);
  const alive = cluster.nodes.filter((node) => !dead.includes(node));
  const traffic = startTraffic(cluster);
  traffic.use(alive);
  await Promise.all(dead.map((node) => node.end("SIGKILL")));
  const killed = performance.now();
  const ill = await until("their death is noticed", 60_000, async () => ((found) => !found.healthy && dead.every(({ id }) => found.servers[id]!["healthy"] === false) && found)(await state()));
  assert.deepEqual([ill.failure_tolerance, ill.voters.length], [0, 5]);

  const cleaned = await until("one is removed", CLEANED_MS, async () => ((found) => found.voters.length < 5 && found)(await state()));
  assert.ok(performance.now() - killed >= (DEAD_SECONDS - 5) * 1000, "not before its time");
  assert.equal(cleaned.voters.length, 4);
  for (const end = performance.now() + WATCH_MS; performance.now() < end; ) assert.equal((await state()).voters.length, 4);

  await configure({ min_quorum: 3 });
  const rest = await until("so is the other, as soon as it may", CLEANED_MS, async () => ((found) => found.voters.length === 3 && found)(await state()));
  assert.deepEqual([[...rest.voters].sort(), Object.keys(rest.servers).length], [alive.map(({ id }) => id).sort(), 3]);
  const again = await until("the rest is healthy", 60_000, async () => ((found) => found.healthy && found)(await state()));
  assert.equal(again.failure_tolerance, 1);
  await traffic.finish();
});
