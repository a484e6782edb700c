import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** A TCP line to a port that can fall silent without closing, as after a power cut or behind a firewall that drops packets. */
export interface Line {
  readonly port: number;
  /** Nothing passes, either way; connections stay open, new ones are taken and lead nowhere. */
  silence(): void;
  /** All connections break, and both ends hear of it; new ones work. */
  cut(): void;
  /** New connections work again; what was silenced stays dead. */
  restore(): void;
  close(): void;
}

export async function openLine(target: number): Promise<Line> {
  const sockets = new Set<Socket>();
  /** Those of connections that fell silent: neither end hears of what becomes of the other. */
  const dead = new Set<Socket>();
  let silent = false;

  function keep(socket: Socket, other?: Socket): void {
    sockets.add(socket);
    if (silent) dead.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
      if (!dead.has(socket)) other?.destroy();
    });
  }

  const server = createServer((incoming) => {
    const outgoing = silent ? undefined : connect(target, "127.0.0.1");
    keep(incoming, outgoing);
    if (!outgoing) return;
    keep(outgoing, incoming);
    incoming.pipe(outgoing).pipe(incoming);
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    silence() {
      silent = true;
      for (const socket of sockets) {
        dead.add(socket);
        socket.unpipe().pause();
      }
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    restore: () => void (silent = false),
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
