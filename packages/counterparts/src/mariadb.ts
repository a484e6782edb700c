import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { accountOf, folderOf, writeCertificate } from "./account.js";
import type { ServerCertificate } from "./account.js";
import { freePort } from "./ports.js";
import { findProgram, startProgram } from "./program.js";

/** A MariaDB server of its own, in a temporary folder. */
export interface MariaDb {
  readonly port: number;
  /** An administrator that may log in from anywhere. */
  readonly superuser: "coffer";
  readonly password: string;
  /** Ends the server, and keeps its data: `start` brings it back on the same port. */
  halt(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export const mariaDbProgram = (): string | undefined => findProgram("mariadbd");

const PASSWORD = "coffer-test-root";
const SETUP = `FLUSH PRIVILEGES; CREATE USER IF NOT EXISTS 'coffer'@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL PRIVILEGES ON *.* TO 'coffer'@'%' WITH GRANT OPTION; CREATE DATABASE IF NOT EXISTS app;`;

/** With a certificate it takes TLS as well. */
export async function startMariaDb(tls?: ServerCertificate): Promise<MariaDb> {
  const command = mariaDbProgram();
  const install = findProgram("mariadb-install-db");
  if (!command || !install) throw new Error("mariadbd is not installed");
  const account = accountOf("mysql");
  const folder = folderOf(account, "coffer-mariadb");
  const data = join(folder, "data");
  const made = spawnSync(install, ["--no-defaults", `--datadir=${data}`, "--auth-root-authentication-method=normal", "--skip-test-db"], { ...account, encoding: "utf8", cwd: folder });
  if (made.status !== 0) throw new Error(`mariadb-install-db failed: ${made.stderr}${made.stdout}`);
  // What is given to --bootstrap is SQL on standard input, before anybody can connect.
  const set = spawnSync(command, ["--no-defaults", `--datadir=${data}`, "--bootstrap"], { ...account, encoding: "utf8", cwd: folder, input: SETUP.replaceAll("; ", ";\n") });
  if (set.status !== 0) throw new Error(`mariadbd --bootstrap failed: ${set.stderr}`);
  const port = await freePort();
  const args = ["--no-defaults", `--datadir=${data}`, `--port=${port}`, "--bind-address=127.0.0.1", `--socket=${join(folder, "socket")}`, `--pid-file=${join(folder, "pid")}`, "--innodb-flush-log-at-trx-commit=0", "--skip-name-resolve"];
  if (tls) {
    const { certificateFile, keyFile } = writeCertificate(account, folder, tls);
    args.push(`--ssl-cert=${certificateFile}`, `--ssl-key=${keyFile}`);
  }
  const run = () => startProgram({ command, args, ...account, isReady: () => greets(port) });
  let server = await run();
  return {
    port,
    superuser: "coffer",
    password: PASSWORD,
    halt: () => server.stop(),
    async start() {
      server = await run();
    },
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A server that is ready speaks first: protocol version 10 after a header of four bytes. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", reject);
    socket.once("data", (chunk: Buffer) => {
      socket.destroy();
      resolve(chunk[4] === 10);
    });
    socket.once("close", () => resolve(false));
  });
}
