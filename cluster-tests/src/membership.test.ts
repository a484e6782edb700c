import assert from "node:assert/strict";
import test from "node:test";
import { startCluster } from "./harness/cluster.js";
import type { NodeProcess } from "./harness/node-process.js";
import { coffer } from "./harness/run-command.js";
import { until } from "./harness/until.js";

interface Server {
  readonly node_id: string;
  readonly leader: boolean;
  readonly voter: boolean;
}

test("servers come and go", async (t) => {
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  const [first] = cluster.nodes;
  const cli = (node: NodeProcess, ...args: string[]) => coffer(args, { VAULT_ADDR: node.address, VAULT_TOKEN: cluster.rootToken });
  const put = (node: NodeProcess, n: number) => cluster.client(node).request("POST", "secret/data/members", { body: { data: { n } } });
  const get = async (node: NodeProcess) => (await cluster.client(node).request<{ data: { n: number } }>("GET", "secret/data/members")).data.data.n;
  async function servers(node: NodeProcess): Promise<readonly Server[]> {
    const { data } = await cluster.client(node).request<{ config: { servers: readonly Server[] } }>("GET", "sys/storage/raft/configuration");
    return data.config.servers;
  }
  const votes = (asked: NodeProcess, node: NodeProcess) => until(`${node.id} votes`, 60_000, async () => (await servers(asked)).some(({ node_id: id, voter }) => id === node.id && voter));

  async function join(): Promise<NodeProcess> {
    const node = await cluster.add();
    const joined = await cli(node, "operator", "raft", "join", first!.address);
    assert.equal(joined.code, 0, joined.stderr);
    assert.match(joined.stdout, /^Joined +true$/m);
    // It is a member once it has proved that it can be unsealed.
    assert.equal((await servers(first!)).some(({ node_id: id }) => id === node.id), false);
    await cluster.unseal(node);
    await votes(first!, node);
    return node;
  }

  await put(first!, 1);
  const fourth = await join();
  await t.test("a fourth node that joins by the CLI becomes a voter, and serves", async () => {
    assert.equal(await get(fourth), 1);
    const peers = await cli(fourth, "operator", "raft", "list-peers");
    assert.match(peers.stdout, /^node-4 +\S+ +follower +true\s*$/m);
  });

  await t.test("a fifth makes five: two of them killed, the leader among them, three go on", async () => {
    const fifth = await join();
    assert.equal((await servers(first!)).filter(({ voter }) => voter).length, 5);
    const leader = await cluster.active();
    const victims = [leader, leader === fourth ? fifth : fourth];
    await Promise.all(victims.map((node) => node.end("SIGKILL")));
    const rest = cluster.nodes.filter((node) => !victims.includes(node));
    await until("a write with three of five", 60_000, () => put(rest[0]!, 2));
    for (const node of rest) assert.equal(await get(node), 2, node.id);
    for (const node of victims) await cluster.revive(node);
    for (const node of victims) assert.equal(await get(node), 2, node.id);
  });

  await t.test("a follower that is demoted keeps receiving and stays without a vote, until it is promoted", async () => {
    const leader = await cluster.active();
    const [standby] = await cluster.standbys();
    const raft = (...args: string[]) => cli(leader, "operator", "raft", ...args);
    const refused = await raft("demote", leader.id);
    assert.deepEqual([refused.code, /leads the cluster/.test(refused.stderr)], [2, true]);
    assert.match((await raft("promote", standby!.id)).stderr, /server is not a non-voter/);
    assert.match((await raft("demote", "node-99")).stderr, /server node-99 not found/);
    assert.equal((await raft("demote", standby!.id)).stdout, "Server demoted successfully!\n");
    assert.equal((await servers(leader)).find(({ node_id: id }) => id === standby!.id)?.voter, false);
    await put(leader, 7);
    assert.equal(await get(standby!), 7);
    // Longer than autopilot takes to give a vote to whoever may have one.
    const until12s = Date.now() + 12_000;
    await until("autopilot has had its chance", 60_000, () => Date.now() > until12s);
    assert.equal((await servers(leader)).find(({ node_id: id }) => id === standby!.id)?.voter, false);
    assert.match((await raft("demote", standby!.id)).stderr, /a non-voter already/);
    assert.equal((await raft("promote", standby!.id)).stdout, "Server promoted successfully!\n");
    await votes(leader, standby!);
  });

  await t.test("remove-peer takes a follower out: it serves no more, the others do", async () => {
    const leader = await cluster.active();
    const victim = cluster.nodes.find((node) => node !== leader && node.id !== "node-1")!;
    const removed = await cli(leader, "operator", "raft", "remove-peer", victim.id);
    assert.equal(removed.code, 0, removed.stderr);
    assert.equal((await servers(leader)).some(({ node_id: id }) => id === victim.id), false);
    await assert.rejects(get(victim));
    await put(leader, 3);
    await victim.end("SIGKILL");
  });

  await t.test("remove-peer of the leader, asked of the leader itself: another one leads, and nothing is lost", async () => {
    const leader = await cluster.active();
    const removed = await cli(leader, "operator", "raft", "remove-peer", leader.id);
    assert.equal(removed.code, 0, removed.stderr);
    const rest = cluster.nodes.filter((node) => node !== leader && node.isRunning());
    await until("another node leads", 60_000, async () => (await servers(rest[0]!)).some((server) => server.leader && server.node_id !== leader.id));
    assert.equal((await servers(rest[0]!)).some(({ node_id: id }) => id === leader.id), false);
    await until("writes go on", 60_000, () => put(rest[0]!, 4));
    for (const node of rest) assert.equal(await get(node), 4, node.id);
    await assert.rejects(get(leader));
  });
});
