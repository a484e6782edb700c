import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import type { Server } from "node:net";

/** Below the range that systems take ports from when nobody asks for a certain one: for outgoing connections, and for port 0. */
const LOWEST = 20_000;
const BLOCKS = 240;
const PORTS_A_BLOCK = 50;

let unused: number[] = [];
let taking: Promise<void> | undefined;

/** Undefined where the port is taken. */
function listenOn(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined)).listen(port, "127.0.0.1", () => resolve(server));
  });
}

/** A block belongs to the process that listens on its first port, for as long as it lives. */
async function takeBlock(): Promise<void> {
  const begin = randomInt(BLOCKS);
  for (let i = 0; i < BLOCKS; i++) {
    const first = LOWEST + ((begin + i) % BLOCKS) * PORTS_A_BLOCK;
    const held = await listenOn(first);
    if (!held) continue;
    held.unref();
    unused = Array.from({ length: PORTS_A_BLOCK - 1 }, (_, at) => first + 1 + at);
    return;
  }
  throw new Error("no ports are free");
}

/**
 * A TCP port of loopback that nobody listens on, and that stays the caller's: neither another process that asks here nor anybody's
 * outgoing connection gets it before a server listens there, or while that one is stopped and starts again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = unused.shift();
    if (port === undefined) {
      await (taking ??= takeBlock().finally(() => (taking = undefined)));
      continue;
    }
    const found = await listenOn(port);
    if (!found) continue;
    await new Promise((resolve) => found.close(resolve));
    return port;
  }
}

/** So many of them. */
export const freePorts = (count: number): Promise<number[]> => Promise.all(Array.from({ length: count }, freePort));
