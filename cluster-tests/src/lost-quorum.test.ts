import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { startCluster } from "./harness/cluster.js";
import { readValue, startTraffic } from "./harness/traffic.js";
import { until } from "./harness/until.js";

const PATIENCE_MS = 60_000;

test("two of three nodes are gone for good: the third goes on by peers.json with all that was acknowledged, and takes in new ones", async (t) => {
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  const [kept] = await cluster.standbys();
  for (let n = 1; n <= 20; n++) await cluster.client(cluster.nodes[n % 3]!).request("POST", `secret/data/kept/${n}`, { body: { data: { n } } });
  // Itself from its own disk: so it has all of them.
  assert.equal(await readValue(cluster.client(kept!), "kept/20"), 20);
  await Promise.all(cluster.nodes.map((node) => node.end("SIGKILL")));

  const file = join(kept!.folder, "data", "raft", "peers.json");
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, JSON.stringify([{ id: "another", address: "127.0.0.1:1", non_voter: false }]));
  kept!.start();
  await until("a file that does not name it stops the start", PATIENCE_MS, () => !kept!.isRunning());
  assert.ok(existsSync(file), "and stays");
  writeFileSync(file, JSON.stringify([{ id: kept!.id, address: new URL(kept!.clusterAddress).host, non_voter: false }]));
  await cluster.revive(kept!);
  assert.equal(await cluster.active(), kept);
  assert.ok(!existsSync(file), "it is used once");
  assert.match(kept!.log(), /took the cluster's servers from peers.json/);
  for (let n = 1; n <= 20; n++) assert.equal(await readValue(cluster.client(kept!), `kept/${n}`), n);

  const traffic = startTraffic(cluster);
  traffic.use([kept!]);
  const fresh = [await cluster.join(), await cluster.join()];
  await until("three vote", PATIENCE_MS, async () => {
    const { data } = await cluster.client(kept!).request<{ config: { servers: readonly { node_id: string; voter: boolean }[] } }>("GET", "sys/storage/raft/configuration");
    return data.config.servers.length === 3 && data.config.servers.every(({ node_id: id, voter }) => voter && [kept!, ...fresh].some((node) => node.id === id));
  });
  traffic.use([kept!, ...fresh]);
  await traffic.finish();
});
