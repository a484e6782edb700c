import assert from "node:assert/strict";
import test from "node:test";
import { found, joinCluster, testNode, until } from "../server/testing/test-node.js";
import type { TestNode } from "../server/testing/test-node.js";

/** By name and labels, the cluster's aside. */
async function metricsOf(node: TestNode, token: string): Promise<ReadonlyMap<string, number>> {
  const { status, body } = await node.ask("read", "sys/metrics", undefined, { token, query: { format: "prometheus" } });
  assert.equal(status, 200);
  const rows = [...String(body).matchAll(/^(\w+)\{(.*)\} (\S+)$/gm)];
  return new Map(rows.map(([, name, labels, value]) => [`${name}{${labels!.split(",").filter((label) => !label.startsWith("cluster=")).join(",")}}`, Number(value)]));
}

const WRITES = 20;

test("consensus can be watched through sys/metrics: each follower's times, batches, latency, queues and elections", async (t) => {
  const leader = await testNode(t, "n1");
  const made = await found(leader);
  const token = made.rootToken;
  const joiner = await testNode(t, "n2");
  await joinCluster(joiner, leader, made);
  assert.equal((await leader.ask("update", "sys/mounts/kv", { type: "kv" }, { token })).status, 204);
  for (let i = 0; i < WRITES; i++) assert.equal((await leader.ask("update", `kv/${i}`, { value: "x" }, { token })).status, 204);

  const seen = await until("a heartbeat was timed", async () => {
    const metrics = await metricsOf(leader, token);
    return metrics.get('vault_raft_replication_heartbeat_count{peer_id="n2"}')! > 2 && metrics;
  });
  const value = (name: string) => seen.get(name) ?? assert.fail(`no ${name}`);
  const mean = (name: string, labels = "") => value(`${name}_sum{${labels}}`) / value(`${name}_count{${labels}}`);
  for (const name of ["vault_raft_replication_heartbeat", "vault_raft_replication_appendEntries_rpc"]) {
    assert.ok(mean(name, 'peer_id="n2"') > 0 && mean(name, 'peer_id="n2"') < 5000, name);
  }
  assert.ok(value('vault_raft_replication_appendEntries_rpc_count{peer_id="n2"}') > WRITES / 2);
  assert.ok(value('vault_raft_replication_appendEntries_logs_sum{peer_id="n2"}') >= WRITES);
  assert.ok(mean("vault_raft_replication_appendEntries_logs", 'peer_id="n2"') >= 1);
  assert.ok(![...seen.keys()].some((key) => key.includes("replication") && key.includes('peer_id="n1"')), "none of itself");
  for (const name of ["vault_raft_commitTime", "vault_raft_leader_dispatchLog", "coffer_raft_fsync"]) assert.ok(mean(name) > 0, name);
  for (const name of ["coffer_raft_append_batch_entries", "vault_raft_fsm_applyBatchNum"]) assert.ok(mean(name) >= 1, name);
  for (const name of ["coffer_raft_pending_proposals", "coffer_raft_pending_bytes", "coffer_raft_queue_bytes", "coffer_raft_unwritten_entries"]) assert.ok(value(`${name}{}`) >= 0, name);
  assert.equal(value("coffer_raft_disk_stalls{}"), 0);
  assert.equal(value('coffer_raft_election_causes{cause="transfer"}'), 0);

  assert.ok(![...(await metricsOf(joiner, token)).keys()].some((key) => /replication_(heartbeat|appendEntries_(rpc|logs))_count/.test(key)), "only a leader has followers");
  assert.equal((await leader.ask("update", "sys/step-down", undefined, { token })).status, 204);
  await until("the other was told to take over", async () => (await metricsOf(joiner, token)).get('coffer_raft_election_causes{cause="transfer"}') === 1);
});
