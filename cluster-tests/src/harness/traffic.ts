import { ApiError, ConnectionError } from "@coffer/client";
import type { Client } from "@coffer/client";
import type { TestCluster } from "./cluster.js";
import { createRegister } from "./history.js";
import type { Register } from "./history.js";
import type { NodeProcess } from "./node-process.js";
import { patienceAfter, until } from "./until.js";

/** What clients saw while something was done to the cluster. */
export interface TrafficReport {
  readonly reads: number;
  /** Acknowledged. */
  readonly writes: number;
  readonly failedWrites: number;
  /** How they failed, as "node: what was said", with how often. */
  readonly failures: ReadonlyMap<string, number>;
  /** The longest time in which no write at all was acknowledged. Milliseconds. */
  readonly longestGapMs: number;
  /** When it ended, by `performance.now()`. */
  readonly longestGapEnd: number;
}

export interface Traffic {
  /** The nodes that clients talk to from now on; default all. */
  use(nodes: readonly NodeProcess[]): void;
  /** Resolves once each writer has had one more write acknowledged. */
  progress(): Promise<void>;
  /** The promise that was broken, once one was. */
  broken(): unknown;
  /** Waits for progress, ends it, and checks the whole history: no read went back, and every node has all that was acknowledged. */
  finish(): Promise<TrafficReport>;
}

const NAMES = ["one", "two", "three", "four"];
const PAUSE_MS = 10;
const SETTLE_MS = 30_000;

let runs = 0;

/** Something that must never be seen, whatever happens to the nodes. */
class BrokenPromise extends Error {
  override readonly name = "BrokenPromise";
}

async function readVersion(client: Client, path: string): Promise<{ readonly value: number; readonly version: number }> {
  const { data } = await client.request<{ data: { n: number }; metadata: { version: number } }>("GET", `secret/data/${path}`);
  return { value: data.data.n, version: data.metadata.version };
}

export async function readValue(client: Client, path: string, timeoutMs = patienceAfter(0)): Promise<number> {
  const { data } = await client.request<{ data: { n: number } }>("GET", `secret/data/${path}`, { timeoutMs });
  return data.data.n;
}

function reasonOf(error: unknown): string {
  if (error instanceof ApiError) return `${error.status} ${error.errors.join("; ")}`;
  return error instanceof ConnectionError ? error.code : String(error);
}

const pause = () => new Promise((wake) => setTimeout(wake, PAUSE_MS));

/**
 * Four writers and four readers, each going round the nodes; the history is checked as it is made. `settleMs`: how long they may
 * go without success once nothing is wrong.
 */
export function startTraffic(cluster: TestCluster, settleMs = SETTLE_MS): Traffic {
  const run = ++runs;
  const paths = NAMES.map((name) => `traffic-${run}/${name}`);
  const registers = paths.map(createRegister);
  let used: readonly NodeProcess[] = cluster.nodes;
  let isFinished = false;
  /** A test that fails stops its cluster, and finishes nothing. */
  const isOver = () => isFinished || cluster.isStopped();
  let [reads, writes, failedWrites, longestGapMs, longestGapEnd] = [0, 0, 0, 0, 0];
  let lastAcknowledged = performance.now();
  const failures = new Map<string, number>();

  function failed(node: NodeProcess, error: unknown): void {
    failedWrites += 1;
    const what = `${node.id}: ${reasonOf(error)}`;
    failures.set(what, (failures.get(what) ?? 0) + 1);
  }

  /**
   * Each write names the version that it follows. So one that was lost on the way cannot take effect after a later one was
   * acknowledged, however long it lay somewhere; and where it has taken effect, the next is refused, and looks.
   */
  async function write(register: Register, path: string): Promise<void> {
    let version = 0;
    let isInDoubt = false;
    let failedInARow = 0;
    for (let n = 1; !isOver(); n++) {
      const node = used[n % used.length]!;
      // A node that stands still must not hold the writer up for long; only when all of them failed may the next take longer.
      const timeoutMs = patienceAfter(Math.floor(failedInARow / used.length));
      register.begin(n);
      try {
        const { data } = await cluster.client(node).request<{ version: number }>("POST", `secret/data/${path}`, { body: { options: { cas: version }, data: { n } }, timeoutMs });
        if (data.version !== version + 1) throw new BrokenPromise(`${path}: version ${data.version} follows ${version}`);
        version = data.version;
        isInDoubt = false;
        failedInARow = 0;
        register.acknowledge(n);
        const now = performance.now();
        if (now - lastAcknowledged > longestGapMs) [longestGapMs, longestGapEnd] = [now - lastAcknowledged, now];
        lastAcknowledged = now;
        writes += 1;
      } catch (error) {
        if (error instanceof BrokenPromise) throw error;
        if (error instanceof ApiError && error.status === 400) {
          if (!isInDoubt) throw new BrokenPromise(`${path}: write ${n} after version ${version} was refused, although none before it was in doubt`, { cause: error });
          const check = register.read();
          const now = await readVersion(cluster.client(node), path).catch(() => undefined);
          if (!now) continue;
          check(now.value);
          version = now.version;
          isInDoubt = false;
          continue;
        }
        isInDoubt = true;
        failedInARow += 1;
        // Dead, cut off, without a leader, or lost on the way: not acknowledged.
        failed(node, error);
        await pause();
      }
    }
  }

  async function read(register: Register, path: string): Promise<void> {
    for (let i = 0; !isOver(); i++) {
      const node = used[i % used.length]!;
      const check = register.read();
      const value = await readValue(cluster.client(node), path).catch(() => undefined);
      if (value === undefined) await pause();
      else {
        check(value);
        reads += 1;
      }
    }
  }

  const running = paths.flatMap((path, i) => [write(registers[i]!, path), read(registers[i]!, path)]);
  // A broken history ends the test at `finish`, not the process before.
  let broken: unknown;
  const done = Promise.all(running);
  done.catch((error: unknown) => void (broken = error));

  async function progress(): Promise<void> {
    const before = registers.map((register) => register.acknowledged());
    await Promise.race([done, until("each writer goes on", settleMs, () => registers.every((register, i) => register.acknowledged() > before[i]!))]);
  }

  return {
    use(nodes) {
      used = nodes;
    },
    progress,
    broken: () => broken,
    async finish() {
      await progress();
      isFinished = true;
      await done;
      for (const [i, path] of paths.entries()) {
        for (const node of cluster.nodes.filter((one) => one.isRunning())) {
          const check = registers[i]!.read();
          const value = await until(`${node.id} answers`, settleMs, async (tries) => ({ n: await readValue(cluster.client(node), path, patienceAfter(tries)) }));
          check(value.n);
        }
      }
      return { reads, writes, failedWrites, failures, longestGapMs, longestGapEnd };
    },
  };
}
