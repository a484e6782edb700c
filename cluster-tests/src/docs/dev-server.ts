import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { freePorts } from "@coffer/counterparts";
import { COFFER } from "../harness/node-process.js";
import { startCommand } from "../harness/run-command.js";
import { until } from "../harness/until.js";

/** What the pages say a server listens at. */
export const SHOWN_HOST = "127.0.0.1:8200";

const UP_MS = 60_000;
const LIFETIME_MS = 300_000;

/** A folder for one reader: empty, with a home and a PATH that has `coffer`, and `vault` for the same. */
export interface Desk {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  clear(): void;
}

export function createDesk(env: Readonly<Record<string, string>>): Desk {
  const root = mkdtempSync(join(tmpdir(), "coffer-docs-"));
  const at = (name: string) => join(root, name);
  for (const name of ["bin", "home", "work"]) mkdirSync(at(name));
  for (const name of ["coffer", "vault"]) writeFileSync(join(at("bin"), name), `#!/bin/sh\nexec "${process.execPath}" "${COFFER}" "$@"\n`, { mode: 0o755 });
  const path = [at("bin"), process.env["PATH"] ?? ""].join(delimiter);
  return { folder: at("work"), env: { PATH: path, HOME: at("home"), LC_ALL: "C.UTF-8", ...env }, clear: () => rmSync(root, { recursive: true, force: true }) };
}

export interface DevServer {
  /** host:port */
  readonly host: string;
  /** VAULT_ADDR, VAULT_TOKEN and, with TLS, VAULT_CACERT. */
  readonly env: Readonly<Record<string, string>>;
  log(): string;
  stop(): Promise<void>;
}

/** `coffer server -dev`, with the root token `root`; `env` beside our own environment. */
export async function startDevServer({ tls = false, env = {} }: { readonly tls?: boolean; readonly env?: Readonly<Record<string, string>> } = {}): Promise<DevServer> {
  const [port] = await freePorts(1);
  const host = `127.0.0.1:${port}`;
  const args = ["server", "-dev", "-dev-root-token-id=root", `-dev-listen-address=${host}`, "-dev-no-store-token", ...(tls ? ["-dev-tls"] : [])];
  const server = startCommand(COFFER, args, env, LIFETIME_MS);
  const log = () => server.stdout() + server.stderr();
  try {
    await until("the dev server is up", UP_MS, () => server.process.exitCode !== null || /^Root Token: root$/m.test(server.stdout()));
    if (server.process.exitCode !== null) throw new Error("it ended");
  } catch (cause) {
    server.process.kill("SIGKILL");
    throw new Error(`the dev server did not start\n${log()}`, { cause });
  }
  const ca = /VAULT_CACERT='([^']+)'/.exec(server.stdout())?.[1];
  return {
    host,
    env: { VAULT_ADDR: `${tls ? "https" : "http"}://${host}`, VAULT_TOKEN: "root", ...(ca !== undefined && { VAULT_CACERT: ca }) },
    log,
    async stop() {
      server.process.kill("SIGTERM");
      await server.finished;
      if (ca !== undefined) rmSync(dirname(ca), { recursive: true, force: true });
    },
  };
}
