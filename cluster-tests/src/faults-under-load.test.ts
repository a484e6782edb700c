import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startCluster } from "./harness/cluster.js";
import type { TestCluster } from "./harness/cluster.js";
import type { NodeProcess } from "./harness/node-process.js";
import { noSmallDisk } from "./harness/small-disk.js";
import { startTraffic } from "./harness/traffic.js";
import type { TrafficReport } from "./harness/traffic.js";
import { until } from "./harness/until.js";

const missing = noSmallDisk();
/** What a node wants free before it goes on after a full disk, and as much again for its data. */
const DISK_MEGABYTES = 160;
/** Longer than an election, shorter than a request's patience. */
const PAUSE_MS = 2500;
const BACK_MS = 60_000;
const CLOCK_JUMPS = 3;

const put = (cluster: TestCluster, node: NodeProcess, n: number) => cluster.client(node).request("POST", "secret/data/faults", { body: { data: { n } }, timeoutMs: 5000 });
const othersWrite = (cluster: TestCluster, node: NodeProcess) => until("the others acknowledge a write", BACK_MS, () => Promise.any(cluster.nodes.filter((other) => other !== node).map((other) => put(cluster, other, 1).then(() => true))));
const serves = (cluster: TestCluster, node: NodeProcess) => until(`${node.id} acknowledges a write`, BACK_MS, () => put(cluster, node, 1).then(() => true));

test("faults of single nodes under load: nothing acknowledged is lost, no read goes back", async (t) => {
  const cluster = await startCluster({ ...(missing === undefined && { diskMegabytes: DISK_MEGABYTES }), storage: "  trailing_logs = 50\n  snapshot_threshold = 100" });
  t.after(() => cluster.stop());

  async function underLoad(what: () => Promise<void>): Promise<TrafficReport> {
    const traffic = startTraffic(cluster);
    await traffic.progress();
    await what();
    const report = await traffic.finish();
    t.diagnostic(`${report.writes} writes, ${report.failedWrites} failed, and ${report.reads} reads; longest time without a write ${Math.round(report.longestGapMs)} ms`);
    return report;
  }

  await t.test("a follower that stands still for a while, and then a leader", async () => {
    await underLoad(async () => {
      for (const node of [(await cluster.standbys())[0]!, await cluster.active()]) {
        node.signal("SIGSTOP");
        await othersWrite(cluster, node);
        await sleep(PAUSE_MS);
        node.signal("SIGCONT");
        await serves(cluster, node);
      }
    });
  });

  await t.test("wall clocks that jump an hour ahead and two hours back, on a follower and on the leader: nobody even steps down", async () => {
    const leader = await cluster.active();
    const { failures } = await underLoad(async () => {
      for (let jump = 0; jump < CLOCK_JUMPS; jump++) {
        for (const node of [(await cluster.standbys())[0]!, leader]) {
          node.signal("SIGURG");
          await sleep(700);
          await serves(cluster, node);
        }
      }
    });
    assert.deepEqual(Object.fromEntries(failures), {});
    assert.equal(await cluster.active(), leader);
    for (const hours of ["1", "-1", "0"]) assert.ok(leader.log().includes(`the wall clock is ${hours} h beside the true one`));
  });

  await t.test("a follower that was away longer than the log reaches back takes the state, while writes go on", async () => {
    const [away] = await cluster.standbys();
    await underLoad(async () => {
      await away!.end("SIGKILL");
      const leader = await cluster.active();
      const before = await appliedIndex(cluster, leader);
      await until("the log goes on by several compactions", BACK_MS, async () => (await appliedIndex(cluster, leader)) > before + 400);
      await cluster.revive(away!);
      await serves(cluster, away!);
    });
    assert.match(away!.log(), /installed the leader's state/);
  });

  for (const role of ["follower", "leader"] as const) {
    await t.test(`a disk that is full on a ${role}: the others go on, and it comes back when there is room`, { skip: missing ?? false }, async () => {
      const node = role === "leader" ? await cluster.active() : (await cluster.standbys())[0]!;
      await underLoad(async () => {
        cluster.disk(node).fill();
        await until(`${node.id} notices`, BACK_MS, async () => node.log().includes("disk cannot be written") || othersWrite(cluster, node).then(() => false));
        await othersWrite(cluster, node);
        cluster.disk(node).free();
        await serves(cluster, node);
      });
      assert.match(node.log(), /the disk can be written again/);
    });
  }
});

async function appliedIndex(cluster: TestCluster, node: NodeProcess): Promise<number> {
  const { raft_applied_index: index } = await cluster.client(node).request<unknown, { raft_applied_index: number }>("GET", "sys/leader");
  return index;
}
