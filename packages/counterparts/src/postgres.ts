import { execFile, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { accountOf, folderOf, writeCertificate } from "./account.js";
import type { ServerCertificate } from "./account.js";
import { freePort } from "./ports.js";
import { findProgram, startProgram } from "./program.js";

/** A PostgreSQL server of its own, in a temporary folder, that asks for passwords (SCRAM). */
export interface Postgres {
  readonly port: number;
  readonly superuser: "postgres";
  readonly password: string;
  /** `postgresql://user:password@127.0.0.1:PORT/postgres`, of the superuser unless others are named. */
  url(user?: string, password?: string): string;
  /** Runs SQL as the superuser. Resolves with the rows, a line each, their columns parted by `|`. Rejects with what the server says. */
  query(sql: string): Promise<string[]>;
  /** Ends the server, and keeps its data: `start` brings it back on the same port. */
  halt(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** Debian keeps its programs here, by version, and not on the PATH. */
const DEBIAN = "/usr/lib/postgresql";

export function postgresProgram(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort().reverse() : [];
  return findProgram("postgres", ...versions.map((version) => join(DEBIAN, version, "bin/postgres")));
}

const PASSWORD = "coffer-test-root";

/** With a certificate it takes TLS as well. */
export async function startPostgres(tls?: ServerCertificate): Promise<Postgres> {
  const command = postgresProgram();
  if (!command) throw new Error("postgres is not installed");
  const account = accountOf("postgres");
  const folder = folderOf(account, "coffer-postgres");
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, PASSWORD, { mode: 0o644 });
  const data = join(folder, "data");
  // Debian keeps initdb beside the server, and only the server on the PATH.
  const initdb = findProgram("initdb", join(dirname(realpathSync(command)), "initdb"));
  const psql = findProgram("psql", join(dirname(realpathSync(command)), "psql"));
  if (!initdb || !psql) throw new Error("initdb and psql are not installed");
  const made = spawnSync(initdb, ["-D", data, "-U", "postgres", "-A", "scram-sha-256", `--pwfile=${passwordFile}`, "-N", "--locale=C", "-E", "UTF8"], { ...account, encoding: "utf8", cwd: folder });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const args = ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder, "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=40"];
  if (tls) {
    const { certificateFile, keyFile } = writeCertificate(account, folder, tls);
    args.push("-c", "ssl=on", "-c", `ssl_cert_file=${certificateFile}`, "-c", `ssl_key_file=${keyFile}`);
  }
  const run = () => startProgram({ command, args, ...account, isReady: () => answersStartup(port) });
  let server = await run();
  return {
    port,
    superuser: "postgres",
    password: PASSWORD,
    url: (user = "postgres", password = PASSWORD) => `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres?sslmode=disable`,
    async query(sql) {
      const { stdout } = await promisify(execFile)(psql, ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", String(port), "-U", "postgres", "-d", "postgres", "-c", sql], { env: { ...process.env, PGPASSWORD: PASSWORD } });
      return stdout.split("\n").filter((line) => line !== "");
    },
    halt: () => halt(server.process),
    async start() {
      server = await run();
    },
    async stop() {
      await halt(server.process);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait until all clients have gone. */
function halt(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return Promise.resolve();
  const ended = new Promise<void>((resolve) => server.once("close", () => resolve()));
  server.kill("SIGINT");
  return ended;
}

/** Whether it takes connections: asked for a session, it answers with a demand for a password (`R`) and not an error (`E`). */
function answersStartup(port: number): Promise<boolean> {
  const parameters = Buffer.from("user\0postgres\0\0");
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + parameters.length, 0);
  head.writeInt32BE(196608, 4);
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(Buffer.concat([head, parameters])));
    socket.once("error", reject);
    socket.once("data", (chunk: Buffer) => {
      socket.destroy();
      resolve(chunk[0] === 0x52);
    });
    socket.once("close", () => resolve(false));
  });
}
