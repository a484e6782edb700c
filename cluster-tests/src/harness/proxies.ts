import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LINES } from "./line-on-connect.js";
import type { TestNetwork } from "./network.js";
import { proxyLine } from "./proxied-line.js";
import type { Gate, ProxiedLine } from "./proxied-line.js";

export interface Proxies extends TestNetwork {
  /** What one node sends to another arrives so much later, until all is healed. */
  delay(from: number, to: number, milliseconds: number): void;
}

/**
 * All nodes on loopback, and between each two of them, for each direction in which one connects to a port of the other, a proxy. Nodes know
 * and tell the true addresses; a module loaded into each of them leads its connections through its own proxies, so that
 * whoever connects is known. Needs no rights, and works wherever Node does.
 */
export function createProxies(): Proxies {
  const folder = mkdtempSync(join(tmpdir(), "coffer-lines-"));
  const placed = new Map<number, readonly number[]>();
  const lines: ProxiedLine[] = [];
  const cuts = new Set<string>();
  const isolated = new Set<number>();
  const delays = new Map<string, number>();
  /** Whoever waits for a line to be mended, or for the time that a slow one takes. */
  const waiting = new Set<() => void>();

  const folderOf = (index: number) => join(folder, String(index));
  const keyOf = (from: number, to: number) => `${from}-${to}`;

  function gate(from: number, to: number): Gate {
    const key = keyOf(from, to);
    const isCut = () => cuts.has(key) || isolated.has(from) || isolated.has(to);
    return {
      async arrival(at) {
        for (;;) {
          const left = at + (delays.get(key) ?? 0) - performance.now();
          if (!isCut() && left <= 0) return;
          await until(isCut() ? undefined : left);
        }
      },
    };
  }

  /** Some change of the lines, or the end of so many milliseconds. */
  async function until(milliseconds: number | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = milliseconds === undefined ? undefined : setTimeout(wake, milliseconds);
      function wake(): void {
        clearTimeout(timer);
        waiting.delete(wake);
        resolve();
      }
      waiting.add(wake);
    });
  }

  function change(): void {
    for (const wake of [...waiting]) wake();
  }

  async function connect(from: number, to: number): Promise<void> {
    for (const port of placed.get(to)!) {
      const line = await proxyLine(port, gate(from, to), gate(to, from));
      lines.push(line);
      writeFileSync(join(folderOf(from), String(port)), String(line.port));
    }
  }

  return {
    means: "proxies",
    async place(index, ports) {
      mkdirSync(folderOf(index));
      placed.set(index, ports);
      for (const other of placed.keys()) {
        if (other === index) continue;
        await connect(index, other);
        await connect(other, index);
      }
      return { host: "127.0.0.1", inside: ["env", `${LINES}=${folderOf(index)}`] };
    },
    drop(from, to) {
      cuts.add(keyOf(from, to));
      change();
    },
    isolate(index) {
      isolated.add(index);
      change();
    },
    delay(from, to, milliseconds) {
      delays.set(keyOf(from, to), milliseconds);
      change();
    },
    heal() {
      cuts.clear();
      isolated.clear();
      delays.clear();
      change();
    },
    remove() {
      for (const line of lines) line.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
