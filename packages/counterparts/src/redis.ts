import { rmSync } from "node:fs";
import { connect } from "node:net";
import { accountOf, folderOf } from "./account.js";
import { findProgram, freePort, startProgram } from "./program.js";

/** A Redis server of its own, in memory, whose default user has a password. */
export interface Redis {
  readonly port: number;
  readonly superuser: "default";
  readonly password: string;
  stop(): Promise<void>;
}

export const redisProgram = (): string | undefined => findProgram("redis-server");

const PASSWORD = "coffer-test-root";

export async function startRedis(): Promise<Redis> {
  const command = redisProgram();
  if (!command) throw new Error("redis-server is not installed");
  const account = accountOf("redis");
  const folder = folderOf(account, "coffer-redis");
  const port = await freePort();
  const server = await startProgram({ command, args: ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--requirepass", PASSWORD], ...account, isReady: () => answers(port) });
  return {
    port,
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
