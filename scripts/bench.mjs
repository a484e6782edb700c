// `npm run bench`: each figure beside a yardstick measured in the same run on the same machine, for rates before and after.
// Prints a table and writes JSON. A low figure never fails it, for machines are shared and noisy; what could not be measured does.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startCluster } from "./bench/cluster.mjs";
import { load } from "./bench/load.mjs";
import { createRecorder, writeResult } from "./bench/record.mjs";
import { bareServer, levelBatches, percentile } from "./bench/yardsticks.mjs";
import { parseFlags, root } from "./cluster-lib.mjs";

// Consensus alone has parts and options of its own.
if (process.argv[2] === "raft") await import("./bench/raft.mjs");

/** What is measured apart from the cluster as a whole: parts by name, on so many nodes. */
const SUITES = {
  engines: { nodes: 1, load: () => import("./bench/engines.mjs") },
  auth: { nodes: 3, load: () => import("./bench/auth.mjs") },
  leases: { nodes: 3, load: () => import(flags.stored ? "./bench/leases-stored.mjs" : "./bench/leases-due.mjs") },
};
const usage = `usage: npm run bench -- [${Object.keys(SUITES).join(" | ")}] [options], or npm run bench -- raft --help
  --seconds N   length of each load (default 5)
  --secrets N   secrets stored for the memory and start-up figures (default 100000)
  --kills N     how often the leader is killed (default 5)
  --leases N    leases that end within one second (default 10000)
  --stored N    with the suite leases, instead: what so many leases cost a node that starts (1000000 take a quarter of an hour)
  --port BASE   first port (default 18200)
  --json FILE   where the figures go (default bench-results/latest.json, or SUITE.json)`;
const suite = Object.hasOwn(SUITES, process.argv[2] ?? "") ? process.argv[2] : undefined;
const flags = parseFlags(process.argv.slice(suite ? 3 : 2), { seconds: "value", secrets: "value", kills: "value", leases: "value", stored: "value", port: "value", json: "value" }, usage);
const seconds = positive("seconds", 5);
const secrets = positive("secrets", 100_000);
const kills = positive("kills", 5);
const leases = positive("leases", 10_000);
const stored = positive("stored", 1_000_000);
const port = positive("port", 18_200);
const jsonFile = resolve(root, flags.json ?? `bench-results/${suite ?? "latest"}.json`);
const CONNECTIONS = 32;
/** Writes share syncs and messages: the more wait at a time, the less each of them costs. */
const MANY_CONNECTIONS = 256;
/** Of the database's yardstick, which is steady at once. */
const LEVEL_SECONDS = Math.min(seconds, 3);

function positive(name, fallback) {
  const value = Number(flags[name] ?? fallback);
  if (Number.isInteger(value) && value > 0) return value;
  console.error(`--${name} takes a whole number above 0, not "${flags[name]}"\n\n${usage}`);
  return process.exit(1);
}

const recorder = createRecorder();
const { record, noise, rows, table } = recorder;
const failures = [];
const folder = mkdtempSync(join(tmpdir(), "coffer-bench-"));
let cluster = await startCluster({ folder, port, nodes: SUITES[suite]?.nodes ?? 3 });
try {
  // Before there is anything in them: what 100,000 secrets cost is seen against this.
  const empty = suite ? undefined : { start: await restartStandby(), memory: await cluster.memory() };
  const { parts } = suite ? await SUITES[suite].load() : { parts: () => ({ reads, writes, failover, size, "reads by a lease": readsByLease }) };
  for (const [name, part] of Object.entries(parts({ cluster, folder, port, recorder, seconds, leases, stored, connections: CONNECTIONS, manyConnections: MANY_CONNECTIONS }))) {
    console.log(name);
    await part(empty).catch((error) => {
      failures.push(`${name}: ${error.message}`);
      console.log(`  not measured: ${error.message}`);
    });
  }
} finally {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`\n${table()}`);
writeResult(jsonFile, { suite: suite ?? "cluster", options: { seconds, secrets, kills, leases, ...(flags.stored && { stored }), connections: CONNECTIONS }, rows, failures });
process.exit(failures.length === 0 ? 0 : 1);

async function reads() {
  const { active, standby } = await cluster.roles();
  const { bare, read } = await readLoads(active);
  const before = await bare();
  const onActive = await read(active);
  const onStandby = await read(standby);
  const after = await bare();
  const yardstick = { name: "bare node:http, same bytes", values: [before.rate, after.rate] };
  const yardstickP99 = { name: "bare node:http, same bytes", values: [before.p99, after.p99] };
  record("KV v2 reads on the active node", onActive.rate, "/s", { yardstick, target: 0.4 });
  record("linearizable KV v2 reads on a standby", onStandby.rate, "/s", { yardstick, target: 0.35 });
  record("p99 of a read on the active node", onActive.p99, "ms", { yardstick: yardstickP99 });
  record("p99 of a read on a standby", onStandby.p99, "ms", { yardstick: yardstickP99 });
  noise(yardstick);
}

/** Another cluster, with `read_lease` on, in place of the first one. */
async function readsByLease() {
  await cluster.stop();
  const leaseFolder = join(folder, "lease");
  mkdirSync(leaseFolder);
  cluster = await startCluster({ folder: leaseFolder, port, nodes: 3, readLease: true });
  const { active } = await cluster.roles();
  const { bare, read } = await readLoads(active);
  const before = await bare();
  const { rate } = await read(active);
  const yardstick = { name: "bare node:http, same bytes", values: [before.rate, (await bare()).rate] };
  record("KV v2 reads on the active node with read_lease", rate, "/s", { yardstick, target: 0.4 });
  noise(yardstick);
}

/** Reads of one secret, and what the active node sends for it sent by a bare server. */
async function readLoads(active) {
  await cluster.api("POST", "secret/data/bench/read", { data: { username: "app", password: "correct horse battery staple", host: "db.internal" } });
  const path = "/v1/secret/data/bench/read";
  const headers = { "X-Vault-Token": cluster.token };
  const sample = await cluster.sample(active.address + path);
  return {
    bare: () => bareServer({ sample, path, headers, seconds, connections: CONNECTIONS }),
    read: ({ address }) => load({ url: address + path, headers, seconds, connections: CONNECTIONS }),
  };
}

async function writes() {
  const { active } = await cluster.roles();
  const before = await levelBatches(folder, LEVEL_SECONDS);
  const write = (connections) =>
    load({
      url: `${active.address}/v1/secret/data/bench/write-[<id>]`,
      idReplacement: true,
      method: "POST",
      headers: { "X-Vault-Token": cluster.token, "Content-Type": "application/json" },
      body: JSON.stringify({ data: { username: "app", password: "correct horse battery staple", host: "db.internal" } }),
      seconds,
      connections,
    });
  const results = [];
  for (const connections of [CONNECTIONS, MANY_CONNECTIONS]) results.push({ connections, ...(await write(connections)) });
  const yardstick = { name: "one synchronous LevelDB batch after another", values: [before, await levelBatches(folder, LEVEL_SECONDS)] };
  for (const { connections, rate, p99 } of results) {
    record(`KV v2 writes, three nodes, fsync on all, ${connections} at a time`, rate, "/s", { yardstick, target: 1.0 });
    record(`p99 of a write under that load, ${connections} at a time`, p99, "ms");
  }
  noise(yardstick);
}

async function failover() {
  const times = [];
  for (let i = 0; i < kills; i++) times.push(await cluster.killLeader());
  times.sort((a, b) => a - b);
  record("kill -9 of the leader to the next acknowledged write, median", percentile(times, 0.5), "ms");
  record("the same, worst", times.at(-1), "ms");
}

async function restartStandby() {
  return cluster.restart((await cluster.roles()).standby);
}

async function size(empty) {
  await cluster.fill(secrets);
  const filled = await cluster.memory();
  const yardstick = (value) => ({ name: "the same, empty", values: [value] });
  record(`memory of the active node that took ${secrets} secrets`, filled.active, "MB", { yardstick: yardstick(empty.memory.active) });
  record(`memory of a standby that took ${secrets} secrets`, filled.standby, "MB", { yardstick: yardstick(empty.memory.standby) });
  const start = await restartStandby();
  record(`start of a node with ${secrets} secrets, from spawn to answering unsealed`, start.milliseconds, "ms", { yardstick: yardstick(empty.start.milliseconds) });
  record("memory of that node right after", start.resident, "MB", { yardstick: yardstick(empty.start.resident) });
}
