import { createSocket } from "node:dgram";
import type { Socket as DatagramSocket } from "node:dgram";
import { createConnection } from "node:net";
import type { Socket } from "node:net";
import { createLineQueue } from "./line-writer.js";
import type { LineWriter } from "./line-writer.js";
import type { SocketAddress } from "./options.js";

/** After a failure nobody waits again for so long: one that hangs must not cost every request its timeout. Milliseconds. */
const REST_MS = 1000;

interface Sender {
  /** Resolves when the operating system has taken all of it. */
  send(lines: string): Promise<void>;
  close(): void;
}

/**
 * Sends lines to a socket. It connects with the first one and again after a failure; what the other side does not take within the
 * timeout is a failure of this device, and what is sent within the next second fails at once.
 */
export function createSocketWriter(address: SocketAddress, timeoutMs: number, now: () => number = () => Date.now()): LineWriter {
  let sender: Promise<Sender> | undefined;
  let restUntil = 0;
  let failure: unknown;

  async function drop(reason: unknown): Promise<void> {
    const before = sender;
    sender = undefined;
    if (reason !== undefined) {
      failure = reason;
      restUntil = now() + REST_MS;
    }
    (await before?.catch(() => undefined))?.close();
  }

  async function attempt(lines: string): Promise<void> {
    if (now() < restUntil) throw failure;
    const used = (sender ??= connect(address, timeoutMs, () => {
      if (sender === used) sender = undefined;
    }));
    try {
      await within(timeoutMs, used.then((ready) => ready.send(lines)));
    } catch (error) {
      if (sender === used) await drop(error);
      throw error;
    }
  }

  async function send(lines: string): Promise<void> {
    const wasConnected = sender !== undefined;
    try {
      await attempt(lines);
    } catch (error) {
      // A connection that the other side had closed meanwhile is no reason to fail: once more, on a new one.
      if (!wasConnected || !isGone(error)) throw error;
      restUntil = 0;
      await attempt(lines);
    }
  }

  const end = () => drop(undefined);
  // A datagram holds one record, and fails alone.
  if (address.kind === "udp") return { write: send, reopen: end, close: end };
  const { write, step } = createLineQueue(send);
  return { write, reopen: () => step(end), close: () => step(end) };
}

const isGone = (error: unknown): boolean => ["EPIPE", "ECONNRESET", "ERR_STREAM_DESTROYED", "ERR_STREAM_WRITE_AFTER_END"].includes((error as NodeJS.ErrnoException).code ?? "");

function timeout(): Error {
  return Object.assign(new Error("the other side took too long"), { code: "ETIMEDOUT" });
}

function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    // Behind what has come meanwhile: a process that was busy for so long is no fault of the other side.
    const timer = setTimeout(() => setImmediate(() => reject(timeout())), milliseconds);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function connect(address: SocketAddress, timeoutMs: number, onGone: () => void): Promise<Sender> {
  return address.kind === "udp" ? connectDatagrams(address, onGone) : connectStream(address, timeoutMs, onGone);
}

function connectStream({ kind, host, port, path }: SocketAddress, timeoutMs: number, onGone: () => void): Promise<Sender> {
  return new Promise((resolve, reject) => {
    const socket: Socket = kind === "unix" ? createConnection({ path }) : createConnection({ host, port });
    socket.setTimeout(timeoutMs, () => socket.connecting && socket.destroy(timeout()));
    socket.once("error", reject);
    socket.once("close", onGone);
    // Whatever the other side says, nobody reads; its end is the connection's.
    socket.resume();
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.setKeepAlive(true);
      socket.on("error", () => {});
      resolve({
        send: (lines) => new Promise((done, failed) => void socket.write(lines, (error) => (error ? failed(error) : done()))),
        close: () => socket.destroySoon(),
      });
    });
  });
}

/** One datagram a line. That nobody listens is told, if at all, with the next one. */
function connectDatagrams({ host, port }: SocketAddress, onGone: () => void): Promise<Sender> {
  return new Promise((resolve, reject) => {
    const socket: DatagramSocket = createSocket(host.includes(":") ? "udp6" : "udp4");
    let refused: Error | undefined;
    socket.once("error", reject);
    socket.once("close", onGone);
    socket.connect(port, host, () => {
      socket.on("error", (error) => (refused = error));
      resolve({
        send(line) {
          const before = refused;
          refused = undefined;
          if (before) return Promise.reject(before);
          return new Promise((done, failed) => socket.send(line, (error) => (error ? failed(error) : done())));
        },
        close: () => socket.close(),
      });
    });
  });
}
