import assert from "node:assert/strict";
import { ApiError, ConnectionError } from "@coffer/client";
import type { Client } from "@coffer/client";
import type { TestCluster } from "./cluster.js";
import { createRegister } from "./history.js";
import type { Register } from "./history.js";
import type { NodeProcess } from "./node-process.js";
import { until } from "./until.js";

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
}

export interface Traffic {
  /** The nodes that clients talk to from now on; default all. */
  use(nodes: readonly NodeProcess[]): void;
  /** Ends it and checks the whole history: no read went back, and every node has all that was acknowledged. */
  finish(): Promise<TrafficReport>;
}

const REGISTERS = ["one", "two", "three", "four"];
const PAUSE_MS = 10;
/** Longer than a node's own patience: a write given up by its client must not take effect after a later one. */
const WRITE_TIMEOUT_MS = 20_000;
const SETTLE_MS = 30_000;

export async function readValue(client: Client, path: string): Promise<number> {
  const { data } = await client.request<{ data: { n: number } }>("GET", `secret/data/${path}`);
  return data.data.n;
}

function reasonOf(error: unknown): string {
  if (error instanceof ApiError) return `${error.status} ${error.errors.join("; ")}`;
  return error instanceof ConnectionError ? error.code : String(error);
}

const pause = () => new Promise((wake) => setTimeout(wake, PAUSE_MS));

/** Four writers and four readers, each going round the nodes; the history is checked as it is made. */
export function startTraffic(cluster: TestCluster): Traffic {
  const registers = REGISTERS.map(createRegister);
  let used: readonly NodeProcess[] = cluster.nodes;
  let isOver = false;
  let [reads, writes, failedWrites, longestGapMs] = [0, 0, 0, 0];
  let lastAcknowledged = performance.now();
  const failures = new Map<string, number>();

  function failed(node: NodeProcess, error: unknown): void {
    failedWrites += 1;
    const what = `${node.id}: ${reasonOf(error)}`;
    failures.set(what, (failures.get(what) ?? 0) + 1);
  }

  async function write(register: Register, path: string): Promise<void> {
    for (let n = 1; !isOver; n++) {
      const node = used[n % used.length]!;
      register.begin(n);
      try {
        await cluster.client(node).request("POST", `secret/data/${path}`, { body: { data: { n } }, timeoutMs: WRITE_TIMEOUT_MS });
        register.acknowledge(n);
        const now = performance.now();
        longestGapMs = Math.max(longestGapMs, now - lastAcknowledged);
        lastAcknowledged = now;
        writes += 1;
      } catch (error) {
        // Dead, cut off, without a leader, or lost on the way: not acknowledged.
        failed(node, error);
        await pause();
      }
    }
  }

  async function read(register: Register, path: string): Promise<void> {
    for (let i = 0; !isOver; i++) {
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

  const running = REGISTERS.flatMap((path, i) => [write(registers[i]!, path), read(registers[i]!, path)]);
  // A broken history ends the test at `finish`, not the process before.
  const done = Promise.all(running);
  done.catch(() => undefined);

  return {
    use(nodes) {
      used = nodes;
    },
    async finish() {
      isOver = true;
      await done;
      for (const [i, path] of REGISTERS.entries()) {
        assert.ok(registers[i]!.acknowledged() > 0, `${path} was never written`);
        for (const node of cluster.nodes.filter((one) => one.isRunning())) {
          const check = registers[i]!.read();
          const value = await until(`${node.id} answers`, SETTLE_MS, async () => ({ n: await readValue(cluster.client(node), path) }));
          check(value.n);
        }
      }
      return { reads, writes, failedWrites, failures, longestGapMs };
    },
  };
}
