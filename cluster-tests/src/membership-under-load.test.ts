import assert from "node:assert/strict";
import test from "node:test";
import { startCluster } from "./harness/cluster.js";
import type { NodeProcess } from "./harness/node-process.js";
import { startTraffic } from "./harness/traffic.js";
import { until } from "./harness/until.js";

interface Server {
  readonly node_id: string;
  readonly leader: boolean;
  readonly voter: boolean;
}

const CHANGE_MS = 60_000;

test("servers are added, replaced and removed under load: nothing acknowledged is lost, no read goes back", async (t) => {
  // A server that joins is given the state, not the log.
  const cluster = await startCluster({ storage: "  trailing_logs = 50\n  snapshot_threshold = 100" });
  t.after(() => cluster.stop());
  const members = () => cluster.nodes.filter((node) => node.isRunning());

  async function servers(): Promise<readonly Server[]> {
    const { data } = await cluster.client(await cluster.active()).request<{ config: { servers: readonly Server[] } }>("GET", "sys/storage/raft/configuration");
    return data.config.servers;
  }
  const voters = async () => (await servers()).filter(({ voter }) => voter).map(({ node_id: id }) => id).sort();

  async function add(): Promise<NodeProcess> {
    const node = await cluster.join();
    await until(`${node.id} votes`, CHANGE_MS, async () => (await voters()).includes(node.id));
    return node;
  }

  async function remove(asked: NodeProcess, node: NodeProcess): Promise<void> {
    await cluster.client(asked).request("POST", "sys/storage/raft/remove-peer", { body: { server_id: node.id }, timeoutMs: CHANGE_MS });
    await until(`${node.id} is out`, CHANGE_MS, async () => !(await voters()).includes(node.id));
    await node.end("SIGKILL");
  }

  async function underLoad(what: () => Promise<void>): Promise<void> {
    const traffic = startTraffic(cluster);
    await traffic.progress();
    await what();
    const { writes, reads, failedWrites, longestGapMs } = await traffic.finish();
    t.diagnostic(`${writes} writes, ${failedWrites} failed, and ${reads} reads; longest time without a write ${Math.round(longestGapMs)} ms`);
  }

  await t.test("a fourth server is added", async () => {
    await underLoad(async () => void (await add()));
    assert.deepEqual(await voters(), ["node-1", "node-2", "node-3", "node-4"]);
  });

  await t.test("one that died is replaced by another", async () => {
    await underLoad(async () => {
      const [dead] = await cluster.standbys();
      await dead!.end("SIGKILL");
      const leader = await cluster.active();
      await cluster.client(leader).request("POST", "sys/storage/raft/remove-peer", { body: { server_id: dead!.id } });
      const fresh = await add();
      assert.equal((await voters()).length, 4);
      assert.ok(!(await voters()).includes(dead!.id));
      assert.match(fresh.log(), /installed the leader's state/);
    });
  });

  await t.test("a follower is removed, and then the leader, asked of itself", async () => {
    await underLoad(async () => {
      await remove(await cluster.active(), (await cluster.standbys())[0]!);
      const leader = await cluster.active();
      await remove(leader, leader);
    });
    assert.deepEqual(await voters(), members().map(({ id }) => id).sort());
    assert.equal(members().length, 2);
  });
});
