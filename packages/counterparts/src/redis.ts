import { rmSync } from "node:fs";
import { connect } from "node:net";
import { accountOf, folderOf, writeCertificate } from "./account.js";
import type { ServerCertificate } from "./account.js";
import { freePort } from "./ports.js";
import { findProgram, startProgram } from "./program.js";

/** A Redis server of its own, in memory, whose default user has a password. */
export interface Redis {
  readonly port: number;
  /** 0: there is none. */
  readonly tlsPort: number;
  readonly superuser: "default";
  readonly password: string;
  stop(): Promise<void>;
}

export const redisProgram = (): string | undefined => findProgram("redis-server");

const PASSWORD = "coffer-test-root";

/** With a certificate it takes TLS on a port of its own. */
export async function startRedis(tls?: ServerCertificate): Promise<Redis> {
  const command = redisProgram();
  if (!command) throw new Error("redis-server is not installed");
  const account = accountOf("redis");
  const folder = folderOf(account, "coffer-redis");
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--requirepass", PASSWORD];
  const tlsPort = tls ? await freePort() : 0;
  if (tls) {
    const { certificateFile, keyFile } = writeCertificate(account, folder, tls);
    args.push("--tls-port", String(tlsPort), "--tls-cert-file", certificateFile, "--tls-key-file", keyFile, "--tls-ca-cert-file", certificateFile, "--tls-auth-clients", "no");
  }
  const server = await startProgram({ command, args, ...account, isReady: () => answers(port) });
  return {
    port,
    tlsPort,
    superuser: "default",
    password: PASSWORD,
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Without a password it refuses: it is there. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.once("error", reject);
    socket.once("data", (chunk: Buffer) => {
      socket.destroy();
      resolve(chunk.toString().startsWith("-NOAUTH"));
    });
    socket.once("close", () => resolve(false));
  });
}
