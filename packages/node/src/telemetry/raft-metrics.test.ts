import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Readable } from "node:stream";
import test from "node:test";
import { collect } from "../http/testing/echo-application.js";
import { found, joinCluster, raftStorage, temporaryFolder, testNode, until } from "../server/testing/test-node.js";
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

test("both sides of what servers ask each other, the state's snapshots and the threads can be watched, as text and as JSON", async (t) => {
  const leader = await testNode(t, "n1");
  const made = await found(leader);
  const as = { token: made.rootToken };
  const joiner = await testNode(t, "n2");
  await joinCluster(joiner, leader, made);
  assert.equal((await leader.ask("update", "sys/mounts/kv", { type: "kv" }, as)).status, 204);
  const countOf = async (node: TestNode, name: string) => (await metricsOf(node, made.rootToken)).get(`vault_raft_${name}_count{}`) ?? assert.fail(`no ${name}`);
  const meanOf = async (node: TestNode, name: string) => (await metricsOf(node, made.rootToken)).get(`vault_raft_${name}_sum{}`)! / (await countOf(node, name));

  const opened = await countOf(leader, "fsm_snapshot");
  const saved = await leader.node().application.handle({ id: randomUUID(), operation: "read", path: "sys/storage/raft/snapshot", query: {}, body: Buffer.alloc(0), contentType: "", token: made.rootToken, headers: {}, remoteAddress: "127.0.0.1", remotePort: 1 });
  await collect(saved.body as Readable);
  for (const name of ["fsm_snapshot", "snapshot_create"]) assert.equal(await countOf(leader, name), opened + 1, name);

  // The follower answers the leader, not the other way round.
  for (let i = 0; i < WRITES; i++) assert.equal((await leader.ask("update", `kv/${i}`, { value: "x" }, as)).status, 204);
  for (const name of ["rpc_appendEntries", "rpc_processHeartbeat"]) {
    await until(`${name} on the follower`, async () => (await countOf(joiner, name)) > 2);
    assert.ok((await meanOf(joiner, name)) > 0 && (await meanOf(joiner, name)) < 5000, name);
    assert.equal(await countOf(leader, name), 0, name);
  }
  const barriers = async () => (await metricsOf(joiner, made.rootToken)).get("vault_raft_barrier{}")!;
  const before = await barriers();
  assert.equal((await joiner.ask("read", "kv/1", undefined, as)).body.data.value, "x");
  assert.ok((await barriers()) > before, "a read on a standby waits for its state");
  for (const name of ["thread_main_saturation", "thread_fsm_saturation"]) {
    await until(`a second of ${name}`, async () => (await countOf(leader, name)) > 1);
    assert.ok((await meanOf(leader, name)) > 0 && (await meanOf(leader, name)) <= 1, name);
  }
  const age = (await metricsOf(leader, made.rootToken)).get("vault_raft_leader_oldestLogAge{}")!;
  assert.ok(age > 0 && age < 600_000, `${age} ms`);
  assert.equal((await metricsOf(joiner, made.rootToken)).get("vault_raft_leader_oldestLogAge{}"), undefined);
  assert.equal(await countOf(leader, "storage_transaction"), await countOf(leader, "commitTime"));

  // Told to take over, the follower asks the leader for its vote, without the preliminary question.
  assert.equal((await leader.ask("update", "sys/step-down", undefined, as)).status, 204);
  await until("the other leads", async () => (await joiner.ask("read", "sys/health")).status === 200);
  assert.equal(await countOf(joiner, "candidate_electSelf"), 1);
  assert.equal(await countOf(joiner, "candidate_preElectSelf"), 0);
  assert.equal(await countOf(leader, "rpc_requestVote"), 1);
  await until("the follower that led answers", async () => (await countOf(leader, "rpc_processHeartbeat")) > 0);

  const names = await until("a whole interval", async () => {
    const { body } = await leader.ask("read", "sys/metrics", undefined, as);
    const found: readonly string[] = [...body.Gauges, ...body.Counters, ...body.Samples].map(({ Name }: { Name: string }) => Name);
    return found.includes("vault.raft.rpc.processHeartbeat") && found;
  });
  for (const name of ["vault.raft.rpc.processHeartbeat", "vault.raft.thread.main.saturation", "vault.raft.thread.fsm.saturation"]) assert.ok(names.includes(name), name);
});

test("cutting the log and installing a leader's state can be watched", async (t) => {
  const leader = await testNode(t, "n1", { storage: { ...raftStorage(join(temporaryFolder(t), "data"), "n1"), trailingLogs: 1, snapshotThreshold: 5 } });
  const made = await found(leader);
  const as = { token: made.rootToken };
  assert.equal((await leader.ask("update", "sys/mounts/kv", { type: "kv" }, as)).status, 204);
  for (let i = 0; i < WRITES; i++) assert.equal((await leader.ask("update", `kv/${i}`, { value: "x" }, as)).status, 204);
  const seen = await until("the log is cut", async () => {
    const metrics = await metricsOf(leader, made.rootToken);
    return metrics.get("vault_raft_snapshot_takeSnapshot_count{}")! > 1 && metrics;
  });
  const sum = (name: string) => seen.get(`vault_raft_${name}_sum{}`)!;
  assert.ok(sum("snapshot_takeSnapshot") > 0);
  assert.ok(Math.abs(sum("snapshot_takeSnapshot") - sum("snapshot_persist") - sum("compactLogs")) < 1e-6);
  assert.equal(seen.get("vault_raft_fsm_lastRestoreDuration{}"), undefined);

  const joiner = await testNode(t, "n2");
  await joinCluster(joiner, leader, made);
  const metrics = await metricsOf(joiner, made.rootToken);
  const took = metrics.get("vault_raft_fsm_lastRestoreDuration{}")!;
  assert.ok(took > 0 && took <= metrics.get("vault_raft_fsm_restore_sum{}")!, `${took} ms`);
  assert.ok((await metricsOf(leader, made.rootToken)).get("vault_raft_fsm_snapshot_count{}")! >= 1, "a point of the state was fixed for it");
});
