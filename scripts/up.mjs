// `npm run up`: a real cluster on loopback, from a fresh clone to an unsealed, answering service.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { api, bringUp, dataFolder, isAlive, makeCertificates, nodeConfiguration, parseFlags, readCluster, root, runningNodes, stopAll, until, writeCluster } from "./cluster-lib.mjs";

const usage = `usage: npm run up -- [options]
  --fresh       delete the data and start over
  --data DIR    where the nodes keep their data (default .coffer)
  --port BASE   API ports are BASE, BASE+10, BASE+20, …; cluster ports one above (default 8200)
  --nodes N     how many nodes (default 3)
  --detach      return once the cluster answers; end it with: npm run down`;

const flags = parseFlags(process.argv.slice(2), { fresh: "flag", data: "value", port: "value", nodes: "value", detach: "flag" }, usage);
const data = dataFolder(flags);
const count = wholeNumber("nodes", flags.nodes ?? "3", 1, 9);
const basePort = wholeNumber("port", flags.port ?? "8200", 1, 65_000);

function wholeNumber(name, text, least, most) {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  return refuse(`--${name} takes a whole number from ${least} to ${most}, not "${text}"`);
}

function refuse(text) {
  console.error(text);
  process.exit(1);
}

function step(text) {
  console.log(`· ${text}`);
}

function run(command, args) {
  const done = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

function installAndBuild() {
  if (!existsSync(`${root}/node_modules/.package-lock.json`)) {
    step("installing packages");
    run("npm", ["ci", "--no-audit", "--no-fund"]);
  }
  step("building");
  run(process.execPath, [`${root}/node_modules/typescript/bin/tsc`, "-b"]);
}

function planNodes() {
  return Array.from({ length: count }, (_, i) => ({
    id: `node-${i + 1}`,
    address: `https://127.0.0.1:${basePort + 10 * i}`,
    cluster_address: `https://127.0.0.1:${basePort + 10 * i + 1}`,
  }));
}

/** What `up` makes, and nothing else: DIR may be a folder that holds more. */
function deleteData() {
  if (!existsSync(data)) return;
  const ours = readdirSync(data).filter((name) => ["cluster.json", "tls"].includes(name) || /^node-\d$/.test(name));
  for (const name of ours) rmSync(`${data}/${name}`, { recursive: true, force: true });
}

/** The nodes that the data is of; new ones where there is none. Their ports are in the cluster's own records: they stay. */
function nodesOf(previous) {
  if (!previous) return planNodes();
  if (flags.nodes !== undefined && previous.nodes.length !== count) refuse(`the cluster in ${data} has ${previous.nodes.length} nodes, not ${count}; start over with --fresh, or use another --data`);
  const first = Number(new URL(previous.nodes[0].address).port);
  if (flags.port !== undefined && first !== basePort) refuse(`the cluster in ${data} has its ports from ${first} on, not from ${basePort}; start over with --fresh, or use another --data`);
  return previous.nodes.map(({ pid: _, ...node }) => node);
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

async function checkPorts(nodes) {
  for (const node of nodes) {
    for (const address of [node.address, node.cluster_address]) {
      const { port } = new URL(address);
      if (!(await isFree(Number(port)))) refuse(`port ${port}, which ${node.id} needs, is in use by another process: end that one, or choose other ports with --port BASE${existsSync(`${data}/cluster.json`) ? " and another folder with --data DIR" : ""}`);
    }
  }
}

async function writeFiles(nodes) {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const caFile = `${data}/tls/ca.crt`;
  if (!existsSync(caFile)) {
    step("making certificates");
    await makeCertificates(`${data}/tls`, ["localhost", "127.0.0.1", "::1"]);
  }
  for (const [i, node] of nodes.entries()) {
    const folder = `${data}/${node.id}`;
    mkdirSync(`${folder}/data`, { recursive: true, mode: 0o700 });
    writeFileSync(`${folder}/coffer.hcl`, nodeConfiguration(node, nodes.filter((_, other) => other !== i), `${folder}/data`, `${data}/tls`));
  }
  return caFile;
}

function startNode(node) {
  const log = openSync(`${data}/${node.id}/node.log`, "a");
  const child = spawn(process.execPath, [`${root}/packages/cli/bin/coffer.js`, "server", `-config=${data}/${node.id}/coffer.hcl`], {
    stdio: ["ignore", log, log],
    detached: true,
  });
  child.on("exit", (code) => {
    if (!stopping && code !== 0) console.error(`${node.id} ended with code ${code}; its log: ${data}/${node.id}/node.log`);
  });
  if (flags.detach) child.unref();
  return child.pid;
}

function save(cluster) {
  writeCluster(data, cluster);
}

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  return rows.map((row) => row.map((cell, column) => String(cell).padEnd(widths[column])).join("  ").trimEnd()).join("\n");
}

async function report(cluster, ca) {
  const rows = [["node", "role", "address", "cluster address", "pid"]];
  for (const node of cluster.nodes) {
    const { status } = await api({ address: node.address, ca, path: "sys/health" });
    rows.push([node.id, { 200: "active", 429: "standby", 473: "standby" }[status] ?? `status ${status}`, node.address, node.cluster_address, node.pid]);
  }
  console.log(`
${table(rows)}

Coffer answers at ${cluster.nodes[0].address}
The root token and the unseal keys are in ${data}/cluster.json (mode 0600).

Try:
  export VAULT_ADDR=${cluster.nodes[0].address} VAULT_CACERT=${cluster.ca_file} \\
         VAULT_TOKEN=$(node -p 'require("${data}/cluster.json").root_token')
  npx coffer status
  npx coffer kv put secret/hello greeting=world
  npx coffer kv get secret/hello
`);
}

let stopping = false;
const running = runningNodes(data);
if (running.length > 0) {
  if (!flags.fresh) refuse(`a cluster is already running on ${data} (pids ${running.map((node) => node.pid).join(", ")}); end it with: npm run down -- --data ${data}`);
  await stopAll(running.map((node) => node.pid));
}
if (flags.fresh) deleteData();
const previous = readCluster(data);
const nodes = nodesOf(previous);
await checkPorts(nodes);

installAndBuild();
const caFile = await writeFiles(nodes);
const ca = readFileSync(caFile);

step(`starting ${nodes.length} nodes`);
for (const node of nodes) node.pid = startNode(node);
const cluster = { nodes, ca_file: caFile, root_token: previous?.root_token, unseal_keys: previous?.unseal_keys };
const pids = nodes.map((node) => node.pid);
// At once: should this script die, `down` finds the nodes.
save(cluster);

async function stop(code) {
  if (stopping) return;
  stopping = true;
  console.log("\nstopping");
  await stopAll(pids);
  process.exit(code);
}
process.on("SIGINT", () => void stop(0));
process.on("SIGTERM", () => void stop(0));

async function answers(node) {
  if (!isAlive(node.pid)) throw new Error(`${node.id} has ended`);
  return api({ address: node.address, ca, path: "sys/seal-status" });
}

try {
  for (const node of nodes) await until(`${node.id} answers`, 30_000, () => answers(node));
  await bringUp(cluster, ca, step, save);
  await report(cluster, ca);
} catch (error) {
  // What is asked of nodes that Ctrl-C is ending fails, of course.
  if (!stopping) {
    console.error(`the cluster did not come up: ${error.message}\nlogs: ${data}/node-*/node.log`);
    stopping = true;
    await stopAll(pids);
    process.exit(1);
  }
}
if (flags.detach && !stopping) process.exit(0);
if (!stopping) console.log("Ctrl-C stops the cluster; the data stays.");
setInterval(() => {}, 1 << 30);
