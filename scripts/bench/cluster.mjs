import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { api, bringUp, nodeConfiguration, root, stopAll, until } from "../cluster-lib.mjs";
import { memoryOf, processorTimeOf } from "./process.mjs";

const FILL_CONCURRENCY = 64;
/** Between two looks at a node that starts. */
const LOOK_MS = 5;

/** Three nodes with plain HTTP listeners (the load generator's TLS must not be what is measured); the cluster port is TLS. */
export async function startCluster({ folder, port, nodes: count, readLease = false }) {
  const nodes = Array.from({ length: count }, (_, i) => ({
    id: `node-${i + 1}`,
    address: `http://127.0.0.1:${port + 10 * i}`,
    cluster_address: `https://127.0.0.1:${port + 10 * i + 1}`,
  }));
  const cluster = { nodes };
  for (const node of nodes) {
    mkdirSync(`${folder}/${node.id}/data`, { recursive: true });
    const others = nodes.filter((other) => other !== node);
    writeFileSync(`${folder}/${node.id}/coffer.hcl`, nodeConfiguration(node, others, `${folder}/${node.id}/data`, folder, { readLease }));
    start(node);
  }
  try {
    for (const node of nodes) await until(`${node.id} answers`, 30_000, () => api({ address: node.address, path: "sys/seal-status" }));
    await bringUp(cluster, undefined, (text) => console.log(`· ${text}`), () => undefined);
  } catch (error) {
    const logs = nodes.map(({ id }) => readFileSync(`${folder}/${id}/node.log`, "utf8").split("\n").slice(-5).join("\n"));
    await stop();
    throw new Error(`the cluster did not come up: ${error.message}\n${logs.join("\n")}`);
  }

  function start(node) {
    const log = openSync(`${folder}/${node.id}/node.log`, "a");
    node.process = spawn(process.execPath, [`${root}/packages/cli/bin/coffer.js`, "server", `-config=${folder}/${node.id}/coffer.hcl`], { stdio: ["ignore", log, log] });
    node.pid = node.process.pid;
  }

  function stop() {
    return stopAll(nodes.map((node) => node.pid));
  }

  const call = (node, method, path, body) => api({ address: node.address, token: cluster.root_token, method, path, body });

  async function roles() {
    return until("one active node and its standbys", 30_000, async () => {
      const states = await Promise.all(nodes.map(async (node) => ({ node, status: (await call(node, "GET", "sys/health").catch(() => ({}))).status })));
      const active = states.filter(({ status }) => status === 200);
      const standbys = states.filter(({ status }) => status === 429 || status === 473);
      return active.length === 1 && standbys.length === nodes.length - 1 && { active: active[0].node, standby: standbys[0]?.node };
    });
  }

  async function unseal(node) {
    await until(`${node.id} answers`, 30_000, () => call(node, "GET", "sys/seal-status"), LOOK_MS);
    for (const key of cluster.unseal_keys.slice(0, 3)) await call(node, "PUT", "sys/unseal", { key });
    await until(`${node.id} serves`, 60_000, async () => [200, 429, 473].includes((await call(node, "GET", "sys/health")).status), LOOK_MS);
  }

  async function kill(node, signal) {
    const gone = once(node.process, "exit");
    node.process.kill(signal);
    await gone;
  }

  /** Ends a node and starts it: from spawn until it answers unsealed, in ms on the clock and of processor time, and its memory then. */
  async function restart(node, signal = "SIGTERM") {
    await kill(node, signal);
    const begin = performance.now();
    start(node);
    await unseal(node);
    return { milliseconds: performance.now() - begin, processorMs: processorTimeOf(node.pid), ...memoryOf(node.pid) };
  }

  async function nextWrite(candidates) {
    for (let i = 0; ; i++) {
      const node = candidates[i % candidates.length];
      const { status } = await Promise.race([
        call(node, "POST", "secret/data/bench/failover", { data: { i } }).catch(() => ({})),
        new Promise((wake) => setTimeout(wake, 1000, {})),
      ]);
      if (status === 200) return;
      await new Promise((wake) => setTimeout(wake, 5));
    }
  }

  return {
    get token() {
      return cluster.root_token;
    },
    nodes,
    roles,
    /** The node that is active when `gone` is not there any more. */
    nextActive: (gone) => until("another active node", 30_000, async () => {
      const others = nodes.filter((node) => node !== gone);
      const states = await Promise.all(others.map((node) => call(node, "GET", "sys/health").catch(() => ({}))));
      return others[states.findIndex(({ status }) => status === 200)];
    }, LOOK_MS),
    api: async (method, path, body) => call((await roles()).active, method, path, body),
    async sample(url) {
      const answer = await fetch(url, { headers: { "X-Vault-Token": cluster.root_token } });
      const body = await answer.text();
      const headers = Object.fromEntries([...answer.headers].filter(([name]) => !["connection", "keep-alive", "date", "transfer-encoding"].includes(name)));
      return { headers, body };
    },
    async killLeader() {
      const { active } = await roles();
      const others = nodes.filter((node) => node !== active);
      const begin = performance.now();
      const gone = kill(active, "SIGKILL");
      await nextWrite(others);
      const elapsed = performance.now() - begin;
      await gone;
      start(active);
      await unseal(active);
      return elapsed;
    },
    async fill(total) {
      const { active } = await roles();
      let next = 0;
      async function worker() {
        while (next < total) {
          const i = next++;
          const response = await fetch(`${active.address}/v1/secret/data/fill/${i % 100}/${i}`, {
            method: "POST",
            headers: { "X-Vault-Token": cluster.root_token, "Content-Type": "application/json" },
            body: JSON.stringify({ data: { username: `user-${i}`, password: `password-${i}-abcdefghijklmnopqrstuvwxyz` } }),
          });
          await response.arrayBuffer();
          if (response.status !== 200) throw new Error(`filling: status ${response.status}`);
        }
      }
      await Promise.all(Array.from({ length: FILL_CONCURRENCY }, worker));
    },
    async memory() {
      const { active, standby } = await roles();
      return { active: memoryOf(active.pid).resident, standby: memoryOf(standby.pid).resident };
    },
    restart,
    kill,
    start: async (node) => {
      start(node);
      await unseal(node);
    },
    stop,
  };
}
