// What up, down, the benchmark and the tests share: where a local cluster keeps its files, and how its processes are found.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Flags as `--name value`, `--name=value` or `--name`. Unknown ones end the program with the usage text. */
export function parseFlags(argv, known, usage) {
  const flags = {};
  for (let i = 0; i < argv.length; i++) {
    const [, name, inline] = /^--?([a-z-]+)(?:=(.*))?$/.exec(argv[i]) ?? [];
    if (name === "help" || !(name in known)) {
      console.error(name === "help" ? usage : `unknown argument ${argv[i]}\n\n${usage}`);
      process.exit(name === "help" ? 0 : 1);
    }
    if (known[name] === "flag") flags[name] = true;
    else {
      flags[name] = inline ?? argv[++i];
      if (flags[name] === undefined) {
        console.error(`--${name} needs a value\n\n${usage}`);
        process.exit(1);
      }
    }
  }
  return flags;
}

export function dataFolder(flags) {
  return resolve(flags.data ?? `${root}/.coffer`);
}

/** cluster.json of a data folder, or undefined. */
export function readCluster(data) {
  const file = `${data}/cluster.json`;
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function commandLine(pid) {
  if (existsSync("/proc/self/cmdline")) return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  return spawnSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" }).stdout;
}

/** The nodes of a data folder whose processes are there. A number in cluster.json may be another program's by now: it is looked at. */
export function runningNodes(data) {
  const nodes = readCluster(data)?.nodes ?? [];
  return nodes.filter((node) => node.pid && isAlive(node.pid) && commandLine(node.pid).includes(`${data}/${node.id}/coffer.hcl`));
}

/** One API call; resolves with {status, body}. */
export function api({ address, ca, token, method = "GET", path, body }) {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((done, fail) => {
    const request = address.startsWith("https:") ? httpsRequest : httpRequest;
    const req = request(
      `${address}/v1/${path}`,
      { method, ca, timeout: 10_000, headers: { ...(token && { "X-Vault-Token": token }), ...(payload && { "Content-Length": Buffer.byteLength(payload) }) } },
      (res) => {
        const chunks = [];
        res.on("data", (chunk) => chunks.push(chunk));
        res.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          done({ status: res.statusCode, body: text ? JSON.parse(text) : undefined });
        });
      },
    );
    req.on("timeout", () => req.destroy(new Error(`${address} did not answer within 10 s`)));
    req.on("error", fail);
    req.end(payload);
  });
}

export async function until(what, milliseconds, check, pauseMs = 50) {
  const end = Date.now() + milliseconds;
  let last;
  while (Date.now() < end) {
    try {
      const value = await check();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    await new Promise((wake) => setTimeout(wake, pauseMs));
  }
  throw new Error(`${what}: not within ${milliseconds / 1000} s${last ? ` (${last.message})` : ""}`);
}

/** Ends the processes: SIGTERM, then SIGKILL for those still there after `graceMs`. */
export async function stopAll(pids, graceMs = 15_000) {
  const alive = pids.filter(isAlive);
  for (const pid of alive) process.kill(pid, "SIGTERM");
  await until("shutdown", graceMs, () => !alive.some(isAlive)).catch(() => {
    for (const pid of alive.filter(isAlive)) process.kill(pid, "SIGKILL");
  });
}

/** Mode 0600 from the first byte on: it holds the root token and the unseal keys. */
export function writeCluster(data, cluster) {
  writeFileSync(`${data}/cluster.json`, `${JSON.stringify(cluster, null, 2)}\n`, { mode: 0o600 });
  chmodSync(`${data}/cluster.json`, 0o600);
}

/** A CA and a server certificate for the API listeners: ca.crt, api.crt, api.key in `folder`. */
export async function makeCertificates(folder, hosts) {
  const { createApiCertificates } = await import(`${root}/packages/node/dist/index.js`);
  const made = await createApiCertificates(hosts);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(`${folder}/api.key`, made.key, { mode: 0o600 });
  writeFileSync(`${folder}/api.crt`, made.certificate);
  writeFileSync(`${folder}/ca.crt`, made.ca);
}

/** The HCL of one node. `listen` overrides the hosts that the listeners bind (containers listen on every address). */
export function nodeConfiguration(node, others, dataPath, tlsPath, { listen, readLease = false } = {}) {
  const secure = node.address.startsWith("https:");
  const caLine = secure ? `    leader_ca_cert_file = "${tlsPath}/ca.crt"\n` : "";
  const joins = others.map((other) => `  retry_join {\n    leader_api_addr     = "${other.address}"\n${caLine}  }\n`).join("");
  const tls = secure ? `  tls_cert_file   = "${tlsPath}/api.crt"\n  tls_key_file    = "${tlsPath}/api.key"\n` : "  tls_disable     = true\n";
  const bind = (address) => (listen ? `${listen}:${new URL(address).port}` : new URL(address).host);
  return `listener "tcp" {
  address         = "${bind(node.address)}"
  cluster_address = "${bind(node.cluster_address)}"
${tls}}

storage "raft" {
  path                   = "${dataPath}"
  node_id                = "${node.id}"
  performance_multiplier = 1
${readLease ? "  read_lease             = true\n" : ""}${joins}}

telemetry {
  prometheus_retention_time = "30s"
}

api_addr     = "${node.address}"
cluster_addr = "${node.cluster_address}"
cluster_name = "coffer-local"
disable_mlock = true
log_level    = "info"
`;
}

async function initialise(first, ca, step) {
  const { body } = await api({ address: first, ca, path: "sys/init" });
  if (body.initialized) throw new Error("the cluster is initialised, but its unseal keys are not in cluster.json: unseal it by hand, or start over with new data");
  step("initialising (5 key shares, 3 of them unseal)");
  const made = await api({ address: first, ca, method: "PUT", path: "sys/init", body: { secret_shares: 5, secret_threshold: 3 } });
  if (made.status !== 200) throw new Error(`sys/init: ${JSON.stringify(made.body)}`);
  return { root_token: made.body.root_token, unseal_keys: made.body.keys_base64 };
}

const sealStatus = async (node, ca) => (await api({ address: node.address, ca, path: "sys/seal-status" })).body;

async function unseal(node, ca, keys, step) {
  await until(`${node.id} finds the initialised cluster`, 30_000, async () => (await sealStatus(node, ca)).initialized);
  if (!(await sealStatus(node, ca)).sealed) return;
  step(`unsealing ${node.id}`);
  for (const key of keys.slice(0, 3)) {
    const { status, body } = await api({ address: node.address, ca, method: "PUT", path: "sys/unseal", body: { key } });
    if (status !== 200) throw new Error(`unsealing ${node.id}: ${JSON.stringify(body)}`);
    if (!body.sealed) return;
  }
}

async function mountSecret(address, ca, token) {
  if ((await api({ address, ca, token, path: "sys/mounts/secret" })).status === 200) return;
  const { status, body } = await api({ address, ca, token, method: "POST", path: "sys/mounts/secret", body: { type: "kv", options: { version: "2" } } });
  if (status !== 204) throw new Error(`mounting KV at secret/: status ${status} ${JSON.stringify(body)}`);
}

/**
 * Takes started nodes to a serving cluster: initialises the first (never where `cluster` has unseal keys already), unseals those
 * that are sealed, waits until each serves, and mounts KV v2 at secret/. Done again, it does what is left to do. `save` is
 * called as soon as there are keys that must not be lost. `nodes` leaves out those that do not answer.
 */
export async function bringUp(cluster, ca, step, save, nodes = cluster.nodes) {
  const first = nodes[0].address;
  if (!cluster.unseal_keys) Object.assign(cluster, await initialise(first, ca, step));
  save(cluster);
  for (const node of nodes) await unseal(node, ca, cluster.unseal_keys, step);
  const health = async (node) => (await api({ address: node.address, ca, path: "sys/health" })).status;
  for (const node of nodes) await until(`${node.id} serves`, 30_000, async () => [200, 429, 473].includes(await health(node)));
  await until("a node is active", 30_000, async () => (await Promise.all(nodes.map(health))).includes(200));
  await mountSecret(first, ca, cluster.root_token);
}
