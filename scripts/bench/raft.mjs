// `npm run bench -- raft`: consensus alone, as members in processes of their own with real logs, fsync, mutual TLS and gRPC.
// Beside each rate stands that of single synchronous LevelDB batches of the same size, before and after.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { testCertificates } from "../../packages/raft/dist/testing/certificates.js";
import { parseFlags, root, until } from "../cluster-lib.mjs";
import { addMember, createMember, leaderOf, startMembers, stopMembers } from "./raft-cluster.mjs";
import { createRecorder, writeResult } from "./record.mjs";
import { levelBatches, percentile } from "./yardsticks.mjs";

const usage = `usage: npm run bench -- raft [options]
  --seconds N    length of each load (default 5)
  --kills N      how often the leader is killed (default 20)
  --entries N    entries of 128 B while one of three members is dead (default 1000000)
  --megabytes N  size of the state that is sent (default 512)
  --json FILE    where the figures go (default bench-results/raft.json)`;
const flags = parseFlags(process.argv.slice(3), { seconds: "value", kills: "value", entries: "value", megabytes: "value", json: "value" }, usage);
const settings = { seconds: positive("seconds", 5), kills: positive("kills", 20), entries: positive("entries", 1_000_000), megabytes: positive("megabytes", 512) };
const SIZES = [[128, "128 B"], [4096, "4 KiB"]];
const IN_FLIGHT = [1, 16, 256];

function positive(name, fallback) {
  const value = Number(flags[name] ?? fallback);
  if (Number.isInteger(value) && value > 0) return value;
  console.error(`--${name} takes a whole number above 0, not "${flags[name]}"\n\n${usage}`);
  return process.exit(1);
}

const { record, noise, rows, table } = createRecorder();
const failures = [];
const folder = mkdtempSync(join(tmpdir(), "coffer-bench-raft-"));
const tls = await testCertificates();
const PARTS = { "three members": () => proposals(3), "five members": () => proposals(5), failover, "sending a state": snapshot, "a dead follower": deadFollower };
let running = [];

async function members(name, count, more = {}) {
  running = await startMembers({ folder: join(folder, name), count, tls, more: { snapshotMegabytes: 0, ...more } });
  return running;
}

for (const [name, part] of Object.entries(PARTS)) {
  console.log(name);
  try {
    await part();
  } catch (error) {
    failures.push(`${name}: ${error.message}`);
    console.log(`  not measured: ${error.message}`);
  } finally {
    await stopMembers(running);
  }
}
rmSync(folder, { recursive: true, force: true });
console.log(`\n${table()}`);
writeResult(resolve(root, flags.json ?? "bench-results/raft.json"), { suite: "raft", options: settings, rows, failures });
process.exit(failures.length === 0 ? 0 : 1);

async function proposals(count) {
  const leader = await leaderOf(await members(`rate-${count}`, count));
  for (const [bytes, size] of SIZES) {
    const before = await levelBatches(folder, Math.min(settings.seconds, 3), bytes);
    const results = [];
    for (const inFlight of IN_FLIGHT) results.push([inFlight, await leader.call("load", { inFlight, bytes, seconds: settings.seconds })]);
    const yardstick = { name: `one synchronous LevelDB batch of ${size} after another`, values: [before, await levelBatches(folder, Math.min(settings.seconds, 3), bytes)] };
    for (const [inFlight, { rate, p50, p99 }] of results) {
      record(`${count} members, ${size}, ${inFlight} in flight`, rate, "/s", { yardstick });
      record("  p50", p50, "ms");
      record("  p99", p99, "ms");
    }
    noise(yardstick);
  }
}

async function failover() {
  const all = await members("failover", 3);
  const times = [];
  for (let i = 0; i < settings.kills; i++) {
    const leader = await leaderOf(all);
    const gone = leader.kill();
    const begin = performance.now();
    const others = all.filter((one) => one.isRunning());
    let isDone = false;
    while (!isDone) {
      isDone = (await Promise.all(others.map((one) => one.call("propose")))).includes(true);
      if (!isDone) await new Promise((wake) => setTimeout(wake, 2));
    }
    times.push(performance.now() - begin);
    await gone;
    await leader.start();
    const { lastIndex } = await (await leaderOf(all)).call("status");
    await until(`${leader.id} has caught up`, 20_000, async () => (await leader.call("status")).appliedIndex >= lastIndex);
  }
  times.sort((a, b) => a - b);
  record(`kill -9 of the leader to the next committed proposal, median of ${settings.kills}`, percentile(times, 0.5), "ms");
  record("the same, worst", times.at(-1), "ms");
}

/** From the new member's joining until it has the state, written and synced. */
async function snapshot() {
  const trailing = { trailingLogs: 10, snapshotThreshold: 100 };
  const more = { snapshotMegabytes: settings.megabytes, options: trailing };
  const leader = await leaderOf(await members("snapshot", 3, more));
  await leader.call("load", { inFlight: 16, bytes: 128, seconds: 60, total: 1000 });
  await until("the log is compacted", 20_000, async () => (await leader.call("status")).firstIndex > 100);
  const fresh = await createMember({ folder: join(folder, "snapshot"), id: "n4", tls, bootstrap: false, more: { snapshotMegabytes: 0, options: trailing } });
  await fresh.start();
  running.push(fresh);
  const begin = performance.now();
  await addMember(leader, fresh);
  const seconds = (performance.now() - begin) / 1000;
  const { snapshotsInstalled } = await fresh.call("metrics");
  if (snapshotsInstalled !== 1) throw new Error(`${snapshotsInstalled} states were installed`);
  record(`a state of ${settings.megabytes} MB to a new member, until it votes`, settings.megabytes / seconds, "MB/s");
}

async function deadFollower() {
  const [alive, dead] = [await afterEntries("alive", false), await afterEntries("dead", true)];
  record(`memory of the leader after ${dead.done} entries of 128 B, one of three dead`, dead.memory, "MB", { yardstick: { name: "the same, all alive", values: [alive.memory] } });
  record("  the rate meanwhile", dead.rate, "/s", { yardstick: { name: "the same, all alive", values: [alive.rate] } });
}

async function afterEntries(name, isOneDead) {
  const all = await members(name, 3);
  const leader = await leaderOf(all);
  if (isOneDead) await all.find((one) => one !== leader).kill();
  const { rate, done } = await leader.call("load", { inFlight: 256, bytes: 128, seconds: 3600, total: settings.entries });
  const memory = await leader.call("memory");
  await stopMembers(all);
  return { rate, done, memory };
}
