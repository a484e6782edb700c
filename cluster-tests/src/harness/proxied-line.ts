import { createServer, connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** One direction between two nodes. */
export interface Gate {
  /** Resolves when what was sent at `at` (of `performance.now()`) arrives: late where the line is slow, and never while it is cut. */
  arrival(at: number): Promise<void>;
}

export interface ProxiedLine {
  readonly port: number;
  close(): void;
}

/** What a direction holds on to while it is cut or slow; whoever sends more waits, as with a full window. */
const WINDOW_BYTES = 256 * 1024;

/** What a sender did: bytes, the end of them, or a connection that broke. */
type Sent = { readonly at: number; readonly bytes: Uint8Array } | { readonly at: number; readonly last: "end" | "broken" };

/** Passes on what `source` sends, in order, each piece once the gate lets it arrive. */
function carry(source: Socket, sink: Socket, gate: Gate): void {
  const sent: Sent[] = [];
  let waiting = 0;
  let isCarrying = false;
  let isOver = false;

  function add(piece: Sent): void {
    sent.push(piece);
    if (!isCarrying) void deliver();
  }

  function end(last: "end" | "broken"): void {
    if (isOver) return;
    isOver = last === "broken";
    add({ at: performance.now(), last });
  }

  async function deliver(): Promise<void> {
    isCarrying = true;
    for (let piece = sent.shift(); piece; piece = sent.shift()) {
      await gate.arrival(piece.at);
      if ("bytes" in piece) {
        sink.write(piece.bytes);
        waiting -= piece.bytes.length;
        if (waiting < WINDOW_BYTES) source.resume();
      } else if (piece.last === "end") sink.end();
      else sink.resetAndDestroy();
    }
    isCarrying = false;
  }

  source.on("data", (bytes) => {
    waiting += bytes.length;
    if (waiting >= WINDOW_BYTES) source.pause();
    add({ at: performance.now(), bytes });
  });
  source.on("end", () => end("end"));
  source.on("error", () => undefined);
  source.on("close", (hadError) => hadError && end("broken"));
  source.resume();
}

/** Listens at a port of its own for what one node sends to a port of another. `there`: the way of the question, `back`: that of the answer. */
export async function proxyLine(target: number, there: Gate, back: Gate): Promise<ProxiedLine> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  };

  async function open(near: Socket): Promise<void> {
    keep(near);
    near.on("error", () => undefined);
    // A connection is asked for by a packet, which has to arrive as well.
    await there.arrival(performance.now());
    if (near.destroyed) return;
    const far = connect({ host: "127.0.0.1", port: target, allowHalfOpen: true });
    keep(far);
    carry(near, far, there);
    carry(far, near, back);
  }

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (near) => void open(near));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
