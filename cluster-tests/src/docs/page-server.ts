import { join } from "node:path";
import { startCluster } from "../harness/cluster.js";
import { SHOWN_HOST, startDevServer } from "./dev-server.js";

/** What answers a page's commands: a dev server, the same with TLS, or three nodes with TLS. */
export type ServerKind = "dev" | "dev-tls" | "cluster";

export interface PageServer {
  /** VAULT_ADDR, VAULT_TOKEN and, with TLS, VAULT_CACERT. */
  readonly env: Readonly<Record<string, string>>;
  /** What pages call its parts, and what those are called here. */
  readonly names: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** `env` is for a dev server, beside our own environment. */
export async function startPageServer(kind: ServerKind, env: Readonly<Record<string, string>> = {}): Promise<PageServer> {
  if (kind === "cluster") return startPageCluster();
  const server = await startDevServer({ tls: kind === "dev-tls", env });
  return { env: server.env, names: { [SHOWN_HOST]: server.host }, stop: () => server.stop() };
}

async function startPageCluster(): Promise<PageServer> {
  const cluster = await startCluster({ tls: true });
  const active = await cluster.active();
  return {
    env: { VAULT_ADDR: active.address, VAULT_TOKEN: cluster.rootToken, VAULT_CACERT: join(cluster.folder, "tls/ca.crt") },
    names: Object.fromEntries(cluster.nodes.map(({ id, address }) => [`${id}.internal:8200`, new URL(address).host])),
    stop: () => cluster.stop(),
  };
}
