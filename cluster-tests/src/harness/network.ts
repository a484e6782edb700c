import { createNamespaces, noNamespaces } from "./namespaces.js";
import { createProxies } from "./proxies.js";

/** Where a node lives. */
export interface Place {
  /** Address at which it listens; the test reaches it there. */
  readonly host: string;
  /** Command and arguments that run a program there. */
  readonly inside: readonly string[];
}

/** What lies between the nodes of a cluster, and can be cut, in one direction or both, while the test reaches all of them. */
export interface TestNetwork {
  /** By what it cuts, for whoever reads a report. */
  readonly means: string;
  /** Once for each node, before it is started. `ports`: all at which it will listen. */
  place(index: number, ports: readonly number[]): Promise<Place>;
  /** What one node sends to another arrives no more from now on, and neither learns of it. */
  drop(from: number, to: number): void;
  /** Nothing passes between a node and the other nodes, either way. */
  isolate(index: number): void;
  /** Everything passes again. */
  heal(): void;
  remove(): void;
}

/**
 * For at most so many nodes: namespaces, or proxies where those are not available. COFFER_TEST_NETWORK=proxies or =namespaces
 * decides.
 */
export function createNetwork(nodes: number): TestNetwork {
  const wanted = process.env["COFFER_TEST_NETWORK"] ?? (noNamespaces() === undefined ? "namespaces" : "proxies");
  if (wanted === "namespaces") return createNamespaces(nodes);
  if (wanted === "proxies") return createProxies();
  throw new Error(`COFFER_TEST_NETWORK is "namespaces" or "proxies", not ${JSON.stringify(wanted)}`);
}
