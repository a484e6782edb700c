// `npm run bench`: each figure beside a yardstick measured in the same run on the same machine. Prints a table, writes
// bench-results/latest.json, and never fails because a figure is low: machines are shared and noisy.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bareServer, levelBatches, percentile } from "./bench/yardsticks.mjs";
import { startCluster } from "./bench/cluster.mjs";
import { load } from "./bench/load.mjs";
import { parseFlags, root } from "./cluster-lib.mjs";

const usage = `usage: npm run bench -- [options]
  --seconds N   length of each load (default 5)
  --secrets N   secrets stored for the memory and start-up figures (default 100000)
  --kills N     how often the leader is killed (default 5)
  --port BASE   first port (default 18200)`;
const flags = parseFlags(process.argv.slice(2), { seconds: "value", secrets: "value", kills: "value", port: "value" }, usage);
const seconds = Number(flags.seconds ?? 5);
const secrets = Number(flags.secrets ?? 100_000);
const kills = Number(flags.kills ?? 5);
const port = Number(flags.port ?? 18_200);
const CONNECTIONS = 32;

const rows = [];
function record(name, value, unit, yardstick, target) {
  const row = { name, value, unit, ...(yardstick && { yardstick: yardstick.name, yardstickValue: yardstick.value, ratio: value / yardstick.value }), ...(target !== undefined && { target }) };
  rows.push(row);
  const ratio = row.ratio === undefined ? "" : `  ${row.ratio.toFixed(2)} of ${row.yardstick} (${Math.round(row.yardstickValue)})`;
  console.log(`  ${name}: ${value >= 100 ? Math.round(value) : value.toFixed(2)} ${unit}${ratio}`);
}

const folder = mkdtempSync(join(tmpdir(), "coffer-bench-"));
const cluster = await startCluster({ folder, port, nodes: 3 });
try {
  await reads();
  await writes();
  await failover();
  await size();
} finally {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}
printTable();

async function reads() {
  console.log("reads");
  await cluster.api("POST", "secret/data/bench/read", { data: { username: "app", password: "correct horse battery staple", host: "db.internal" } });
  const { active, standby } = await cluster.roles();
  const path = "/v1/secret/data/bench/read";
  const headers = { "X-Vault-Token": cluster.token };
  const sample = await cluster.sample(active.address + path);
  const before = await bareServer({ sample, port: port + 90, seconds, connections: CONNECTIONS });
  const onActive = await load({ url: active.address + path, headers, seconds, connections: CONNECTIONS });
  const onStandby = await load({ url: standby.address + path, headers, seconds, connections: CONNECTIONS });
  const after = await bareServer({ sample, port: port + 90, seconds, connections: CONNECTIONS });
  const yardstick = { name: "a bare node:http server", value: (before.rate + after.rate) / 2 };
  record("KV v2 reads on the active node", onActive.rate, "/s", yardstick, 0.4);
  record("linearizable KV v2 reads on a standby", onStandby.rate, "/s", yardstick, 0.35);
  record("p99 of a read on the active node", onActive.p99, "ms");
  record("p99 of a read on a standby", onStandby.p99, "ms");
}

async function writes() {
  console.log("writes");
  const { active } = await cluster.roles();
  const before = await levelBatches(folder, Math.min(seconds, 3));
  const result = await load({
    url: `${active.address}/v1/secret/data/bench/write-[<id>]`,
    idReplacement: true,
    method: "POST",
    headers: { "X-Vault-Token": cluster.token, "Content-Type": "application/json" },
    body: JSON.stringify({ data: { username: "app", password: "correct horse battery staple", host: "db.internal" } }),
    seconds,
    connections: CONNECTIONS,
  });
  const after = await levelBatches(folder, Math.min(seconds, 3));
  record("KV v2 writes, three nodes, fsync on all", result.rate, "/s", { name: "synchronous LevelDB batches", value: (before + after) / 2 }, 1.0);
  record("p99 of a write under that load", result.p99, "ms");
}

async function failover() {
  console.log("failover");
  const times = [];
  for (let i = 0; i < kills; i++) times.push(await cluster.killLeader());
  times.sort((a, b) => a - b);
  record("kill -9 of the leader to the next acknowledged write, median", percentile(times, 0.5), "ms");
  record("the same, worst", times.at(-1), "ms");
}

async function size() {
  console.log(`${secrets} secrets`);
  await cluster.fill(secrets);
  const memory = await cluster.memory();
  record(`memory of a standby holding ${secrets} secrets`, memory.standby, "MB");
  record(`memory of the active node holding ${secrets} secrets`, memory.active, "MB");
  record(`start of a node holding ${secrets} secrets, until unsealed`, await cluster.restartOne(), "ms");
}

function printTable() {
  const cell = (row) => [
    row.name,
    `${row.value >= 100 ? Math.round(row.value) : row.value.toFixed(2)} ${row.unit}`,
    row.yardstick ? `${Math.round(row.yardstickValue)}/s` : "",
    row.ratio?.toFixed(2) ?? "",
    row.target === undefined ? "" : `>= ${row.target.toFixed(2)}`,
  ];
  const table = [["figure", "value", "yardstick", "ratio", "target"], ...rows.map(cell)];
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  console.log(`\n${table.map((line) => line.map((text, column) => text.padEnd(widths[column])).join("  ").trimEnd()).join("\n")}`);
  mkdirSync(join(root, "bench-results"), { recursive: true });
  const { version } = JSON.parse(readFileSync(join(root, "packages/node/package.json"), "utf8"));
  writeFileSync(join(root, "bench-results/latest.json"), `${JSON.stringify({ version, node: process.version, rows }, null, 2)}\n`);
  console.log("\nwritten to bench-results/latest.json");
}
