import { connect as connectTcp } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ConnectionOptions } from "node:tls";
import type { Echo } from "./echo-application.js";

export interface RawAnswer {
  readonly status: number;
  /** Lower-cased names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface RawClient {
  readonly socket: Socket;
  /** Sends these bytes as they are; resolves when they are out, in a segment of their own. */
  send(bytes: string): Promise<void>;
  /** The next answer in order of arrival. Rejects when the connection closes before it is whole. */
  answer(): Promise<RawAnswer>;
  /** The next answer, which has to be 200, as the echoed request. */
  echo(): Promise<Echo>;
  /** Resolves when the server has closed the connection. */
  closed(): Promise<void>;
}

/** A client that knows no HTTP but reads answers with a Content-Length: what it sends is up to the test, to the byte. */
export async function rawClient(test: { after(fn: () => void): void }, port: number, tls?: ConnectionOptions): Promise<RawClient> {
  const socket = tls ? connectTls({ ALPNProtocols: ["http/1.1"], ...tls, port, host: "127.0.0.1" }) : connectTcp(port, "127.0.0.1");
  await new Promise<void>((resolve, reject) => socket.once(tls ? "secureConnect" : "connect", () => resolve()).once("error", reject));
  socket.setNoDelay(true);
  test.after(() => void socket.destroy());
  let received = Buffer.alloc(0);
  let isClosed = false;
  let wake = () => {};
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    wake();
  });
  socket.on("error", () => {}).on("close", () => {
    isClosed = true;
    wake();
  });

  async function answer(): Promise<RawAnswer> {
    for (;;) {
      const found = takeAnswer(received);
      if (found) {
        received = received.subarray(found.bytes);
        return found.answer;
      }
      if (isClosed) throw new Error(`the connection closed; left over: ${received.toString()}`);
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  return {
    socket,
    send: (bytes) => new Promise((resolve) => socket.write(bytes, "latin1", () => setImmediate(resolve))),
    answer,
    async echo() {
      const { status, body } = await answer();
      if (status !== 200) throw new Error(`${status} ${body}`);
      return JSON.parse(body) as Echo;
    },
    closed: () => closed,
  };
}

function takeAnswer(bytes: Buffer): { readonly answer: RawAnswer; readonly bytes: number } | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [line = "", ...rest] = bytes.toString("latin1", 0, end).split("\r\n");
  const headers = Object.fromEntries(rest.map((header): [string, string] => [header.slice(0, header.indexOf(":")).toLowerCase(), header.slice(header.indexOf(":") + 1).trim()]));
  const size = Number(headers["content-length"] ?? 0);
  if (bytes.length < end + 4 + size) return undefined;
  return { answer: { status: Number(line.split(" ")[1]), headers, body: bytes.toString("utf8", end + 4, end + 4 + size) }, bytes: end + 4 + size };
}

/** A request's head; `more` are header lines. */
export function head(method: string, target: string, ...more: string[]): string {
  return `${[`${method} ${target} HTTP/1.1`, "Host: vault", ...more].join("\r\n")}\r\n\r\n`;
}
