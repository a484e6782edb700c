import { setTimeout as sleep } from "node:timers/promises";
import type { TestCluster } from "./cluster.js";
import type { TestNetwork } from "./network.js";
import type { NodeProcess } from "./node-process.js";
import { patienceAfter, until } from "./until.js";

/** What faults are done to, and the chance that picks them. */
export interface ChaosStage {
  readonly cluster: TestCluster;
  readonly network: TestNetwork;
  readonly hasSmallDisks: boolean;
  /** In [0, 1). */
  readonly random: () => number;
  readonly tell: (what: string) => void;
}

/** One kind of fault: done, left for a while, and undone. */
type Fault = (stage: ChaosStage, target: NodeProcess) => Promise<void>;

/** No bound on the service, and far beyond what a busy machine takes: a cluster that is not back by then is stuck. */
export const CALM_MS = 300_000;
/** What took longer is worth a line. */
const SLOW_MS = 10_000;

const between = ({ random }: ChaosStage, least: number, most: number) => sleep(least + random() * (most - least));
const others = ({ cluster }: ChaosStage, target: NodeProcess) => cluster.nodes.filter((node) => node !== target && node.isRunning());
const indexOf = ({ cluster }: ChaosStage, node: NodeProcess) => cluster.nodes.indexOf(node);

const kill: Fault = async (stage, target) => {
  await target.end("SIGKILL");
  await between(stage, 0, 6000);
  await stage.cluster.revive(target);
};

const restart: Fault = async (stage, target) => {
  await target.end("SIGTERM");
  await between(stage, 0, 2000);
  await stage.cluster.revive(target);
};

const killAll: Fault = async ({ cluster }) => {
  const all = cluster.nodes.filter((node) => node.isRunning());
  await Promise.all(all.map((node) => node.end("SIGKILL")));
  for (const node of all) node.start();
  for (const node of all) await cluster.unseal(node);
};

const pause: Fault = async (stage, target) => {
  target.signal("SIGSTOP");
  try {
    await between(stage, 200, 6000);
  } finally {
    target.signal("SIGCONT");
  }
};

const stall: Fault = async (stage, target) => {
  target.signal("SIGUSR2");
  await between(stage, 500, 1000);
};

const clock: Fault = async (stage, target) => {
  target.signal("SIGURG");
  await between(stage, 200, 3000);
};

const stepDown: Fault = async ({ cluster }) => {
  // Whether an answer comes in time is not the question.
  await cluster.client(await cluster.active()).send("POST", "sys/step-down", { timeoutMs: 5000 }).catch(() => undefined);
};

const isolate: Fault = async (stage, target) => {
  stage.network.isolate(indexOf(stage, target));
  await between(stage, 500, 6000);
  stage.network.heal();
};

const oneWay: Fault = async (stage, target) => {
  const isDeaf = stage.random() < 0.5;
  for (const other of others(stage, target)) {
    const [from, to] = isDeaf ? [other, target] : [target, other];
    stage.network.drop(indexOf(stage, from), indexOf(stage, to));
  }
  await between(stage, 500, 6000);
  stage.network.heal();
};

const cutLink: Fault = async (stage, target) => {
  const rest = others(stage, target);
  const other = rest[Math.floor(stage.random() * rest.length)]!;
  stage.network.drop(indexOf(stage, target), indexOf(stage, other));
  stage.network.drop(indexOf(stage, other), indexOf(stage, target));
  await between(stage, 500, 6000);
  stage.network.heal();
};

const fullDisk: Fault = async (stage, target) => {
  const disk = stage.cluster.disk(target);
  disk.fill();
  try {
    await between(stage, 500, 4000);
  } finally {
    disk.free();
  }
};

/** Out with one, in with another, which is given the state. */
const replace: Fault = async ({ cluster, tell }, target) => {
  const fresh = await cluster.join();
  tell(`${fresh.id} joins`);
  await until(`${fresh.id} votes`, CALM_MS, async () => (await votersOf(cluster)).includes(fresh.id));
  await cluster.client(await cluster.active()).request("POST", "sys/storage/raft/remove-peer", { body: { server_id: target.id }, timeoutMs: 30_000 }).catch(() => undefined);
  await until(`${target.id} is out`, CALM_MS, async () => !(await votersOf(cluster)).includes(target.id));
  await target.end("SIGKILL");
};

export async function votersOf(cluster: TestCluster): Promise<readonly string[]> {
  const { data } = await cluster.client(await cluster.active()).request<{ config: { servers: readonly { node_id: string; voter: boolean }[] } }>("GET", "sys/storage/raft/configuration");
  return data.config.servers.filter(({ voter }) => voter).map(({ node_id: id }) => id);
}

interface Kind {
  readonly name: string;
  readonly weight: number;
  readonly fault: Fault;
  readonly needs?: "disk";
}

const KINDS: readonly Kind[] = [
  { name: "kill -9", weight: 4, fault: kill },
  { name: "restart", weight: 2, fault: restart },
  { name: "kill -9 of all", weight: 0.5, fault: killAll },
  { name: "stands still", weight: 3, fault: pause },
  { name: "stalled request thread", weight: 2, fault: stall },
  { name: "wall clock jumps", weight: 2, fault: clock },
  { name: "step-down", weight: 2, fault: stepDown },
  { name: "cut off", weight: 3, fault: isolate },
  { name: "cut off one way", weight: 2, fault: oneWay },
  { name: "link cut", weight: 2, fault: cutLink },
  { name: "full disk", weight: 2, fault: fullDisk, needs: "disk" },
  { name: "replaced by a new server", weight: 1, fault: replace },
];

/** Servers that may yet join; each needs a place in the network. */
export const SPARES = 40;

/** One fault to one node, the leader in two of five, and waits until every member serves again. Gives its name. */
export async function disturb(stage: ChaosStage): Promise<string> {
  const { cluster, random, tell } = stage;
  const kinds = KINDS.filter(({ name, needs }) => (needs !== "disk" || stage.hasSmallDisks) && (name !== "replaced by a new server" || cluster.nodes.length < SPARES));
  let left = random() * kinds.reduce((sum, { weight }) => sum + weight, 0);
  const kind = kinds.find(({ weight }) => (left -= weight) < 0) ?? kinds[0]!;
  const running = cluster.nodes.filter((node) => node.isRunning());
  const isLeader = random() < 0.4;
  const target = isLeader ? await cluster.active() : running[Math.floor(random() * running.length)]!;
  tell(`${kind.name}: ${target.id}${isLeader ? ", the leader" : ""}`);
  await kind.fault(stage, target);
  const members = cluster.nodes.filter((node) => node.isRunning());
  for (const node of members) {
    const begin = performance.now();
    await until(`${node.id} serves after: ${kind.name}`, CALM_MS, (tries) => cluster.client(node).request("POST", "secret/data/calm", { body: { data: { n: 1 } }, timeoutMs: patienceAfter(tries) }).then(() => true));
    const took = performance.now() - begin;
    if (took > SLOW_MS) tell(`${node.id} serves again after ${(took / 1000).toFixed(1)} s`);
  }
  return kind.name;
}
