import { spawnSync } from "node:child_process";
import type { TestNetwork } from "./network.js";

function ip(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync("ip", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}

const tries = (...args: readonly string[]) => spawnSync("ip", args, { stdio: "ignore" }).status === 0;

/** Why there can be none here; undefined where they can. */
export function noNamespaces(): string | undefined {
  const name = `cof-probe-${process.pid}`;
  if (!tries("netns", "add", name)) return "network namespaces need Linux, root and iproute2";
  ip("netns", "del", name);
  return undefined;
}

let networks = 0;
const BRIDGE = "br0";

/** A network namespace for each node, on one bridge: packets are cut, and the test reaches all nodes. Linux, root, and the `ip` program. */
export function createNamespaces(nodes: number): TestNetwork {
  // Names of interfaces are short; several test processes may run.
  const tag = `c${(process.pid % 60_000).toString(36)}${networks++}`;
  const subnet = `10.${180 + (process.pid % 60)}.${(process.pid >> 6) % 250}`;
  const namespace = (index: number) => `coffer-${tag}-${index}`;
  const hosts = Array.from({ length: nodes }, (_, i) => `${subnet}.${i + 2}`);
  const cuts = new Set<string>();

  /** The bridge has a place of its own too, where no firewall rule of this machine's applies. */
  const hub = `coffer-${tag}-hub`;

  function plug(name: string): void {
    ip("link", "set", name, "netns", hub);
    ip("-n", hub, "link", "set", name, "master", BRIDGE, "up");
  }

  function remove(): void {
    // The ends of each pair of interfaces go together.
    for (const one of [...hosts.keys()].map(namespace)) tries("netns", "del", one);
    tries("netns", "del", hub);
    tries("link", "del", `${tag}t`);
  }

  try {
    ip("netns", "add", hub);
    ip("-n", hub, "link", "add", BRIDGE, "type", "bridge");
    ip("-n", hub, "link", "set", BRIDGE, "up");
    ip("link", "add", `${tag}t`, "type", "veth", "peer", "name", `${tag}h`);
    plug(`${tag}h`);
    ip("addr", "add", `${subnet}.1/24`, "dev", `${tag}t`);
    ip("link", "set", `${tag}t`, "up");
    for (const [index, host] of hosts.entries()) {
      const [outer, inner] = [`${tag}o${index}`, `${tag}i${index}`];
      ip("netns", "add", namespace(index));
      ip("link", "add", outer, "type", "veth", "peer", "name", inner);
      plug(outer);
      ip("link", "set", inner, "netns", namespace(index));
      ip("-n", namespace(index), "addr", "add", `${host}/24`, "dev", inner);
      ip("-n", namespace(index), "link", "set", inner, "up");
      ip("-n", namespace(index), "link", "set", "lo", "up");
    }
  } catch (error) {
    remove();
    throw error;
  }

  function drop(from: number, to: number): void {
    const key = `${from}-${to}`;
    if (cuts.has(key)) return;
    cuts.add(key);
    // Discarded without a word, as by a broken link: a refusal would be noticed at once.
    ip("-n", namespace(from), "route", "add", "blackhole", `${hosts[to]!}/32`);
  }

  return {
    means: "network namespaces",
    place: async (index) => ({ host: hosts[index]!, inside: ["ip", "netns", "exec", namespace(index)] }),
    drop,
    isolate(index) {
      for (const other of hosts.keys()) {
        if (other === index) continue;
        drop(index, other);
        drop(other, index);
      }
    },
    heal() {
      for (const key of cuts) {
        const [from, to] = key.split("-").map(Number) as [number, number];
        ip("-n", namespace(from), "route", "del", "blackhole", `${hosts[to]!}/32`);
      }
      cuts.clear();
    },
    remove,
  };
}
