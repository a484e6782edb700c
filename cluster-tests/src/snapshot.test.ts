import assert from "node:assert/strict";
import { Readable } from "node:stream";
import test from "node:test";
import { raft } from "@coffer/client";
import type { Client } from "@coffer/client";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { coffer } from "./harness/run-command.js";
import { startCluster } from "./harness/cluster.js";
import type { TestCluster } from "./harness/cluster.js";
import { until } from "./harness/until.js";

async function bytesOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const save = async (client: Client) => bytesOf(await raft.saveSnapshot(client));
const restore = (client: Client, file: Buffer, force = false) => raft.restoreSnapshot(client, () => Readable.from([file]), force);
const put = (client: Client, path: string, n: number) => client.request("POST", `secret/data/${path}`, { body: { data: { n } } });
const get = async (client: Client, path: string) => (await client.request<{ data: { n: number } }>("GET", `secret/data/${path}`)).data.data.n;

async function started(t: { after(fn: () => Promise<void>): void }): Promise<TestCluster> {
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  return cluster;
}

test("a snapshot brings the cluster back to where it was, on all nodes, while they run", async (t) => {
  const cluster = await started(t);
  const active = cluster.client(await cluster.active());
  await put(active, "before", 1);
  const file = await save(active);
  await put(active, "before", 2);
  await put(active, "after", 1);
  await restore(active, file);
  for (const node of cluster.nodes) {
    assert.equal(await get(cluster.client(node), "before"), 1, node.id);
    await assert.rejects(get(cluster.client(node), "after"), { status: 404 }, node.id);
  }
  await put(cluster.client(cluster.nodes[1]!), "goes-on", 1);
  assert.equal(await get(cluster.client(cluster.nodes[2]!), "goes-on"), 1);
});

test("inspect tells how much of a snapshot lies where, without a server", async (t) => {
  const cluster = await startCluster({ nodes: 1 });
  t.after(() => cluster.stop());
  const client = cluster.client(cluster.nodes[0]!);
  for (const n of [1, 2, 3]) await put(client, `inspected-${n}`, n);
  const folder = mkdtempSync(join(tmpdir(), "coffer-inspect-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "a.snap");
  const file = await save(client);
  writeFileSync(path, file);
  const inspect = (...flags: string[]) => coffer(["operator", "raft", "snapshot", "inspect", ...flags, path], {});
  const table = await inspect();
  assert.match(table.stdout, /^index +\d+\nsize +\d+\nterm +\d+/m);
  assert.match(table.stdout, /\n\nKey Name +Count +Size\n-+ +-+ +-+\n[^]*core\/mounts +\d+ +[\d.]+KB\n[^]*\nTotal +\d+ +[\d.]+KB\n$/);
  const whole = JSON.parse((await inspect("-format=json", "-depth=1")).stdout) as { StatsKV: { Name: string; Count: number; Size: number }[]; TotalCountKV: number; TotalSizeKV: number };
  assert.deepEqual(whole.StatsKV.map(({ Name }) => Name).sort(), ["core", "logical"]);
  assert.equal(whole.StatsKV.reduce((sum, { Count }) => sum + Count, 0), whole.TotalCountKV);
  const some = JSON.parse((await inspect("-format=json", "-filter=core/policy/", "-depth=9")).stdout) as typeof whole;
  assert.ok(some.StatsKV.length > 0 && some.StatsKV.every(({ Name }) => Name.startsWith("core/policy/acl/")) && some.TotalSizeKV < whole.TotalSizeKV);
  assert.doesNotMatch((await inspect("-details=false")).stdout, /Key Name/);
  assert.equal((await inspect("-depth=0")).code, 1);
  writeFileSync(path, file.subarray(0, file.length - 20));
  assert.equal((await inspect()).code, 2);
});

test("a damaged, cut or foreign file is refused before anything changes", async (t) => {
  const cluster = await started(t);
  const active = cluster.client(await cluster.active());
  await put(active, "kept", 1);
  const file = await save(active);
  const damaged = Buffer.from(file);
  damaged[Math.floor(file.length / 2)]! ^= 0xff;
  for (const bad of [damaged, file.subarray(0, file.length - 20), Buffer.from("not a snapshot"), Buffer.alloc(0)]) {
    await assert.rejects(restore(active, bad, true), { status: 400 });
  }
  assert.equal(await get(active, "kept"), 1);

  const other = await started(t);
  const otherActive = await other.active();
  await put(other.client(otherActive), "mine", 1);
  await assert.rejects(restore(other.client(otherActive), file), (error: { status: number; message: string }) => error.status === 400 && /snapshot-force/.test(error.message));
  assert.equal(await get(other.client(otherActive), "mine"), 1);

  // By force it takes the other cluster's state; then that cluster's keys and token are needed.
  await restore(other.client(otherActive), file, true);
  await until("the nodes seal themselves", 60_000, async () => (await other.client(otherActive).request<unknown, { sealed: boolean }>("GET", "sys/seal-status")).sealed);
  for (const node of other.nodes) {
    for (const key of cluster.keys.slice(0, 2)) await other.client(node).request("PUT", "sys/unseal", { body: { key } });
  }
  const restored = other.client(await other.active()).with({ token: cluster.rootToken });
  assert.equal(await get(restored, "kept"), 1);
});
