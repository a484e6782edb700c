import { createServer } from "node:https";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServerCertificate } from "./account.js";

export interface ServedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface ServedAnswer {
  readonly status?: number;
  readonly body: string;
}

/** Somebody's HTTPS service at 127.0.0.1. What the handler never answers, nobody answers. */
export interface TlsService {
  readonly port: number;
  /** What it was asked, in order. */
  readonly seen: readonly ServedRequest[];
  stop(): Promise<void>;
}

export async function startTlsService({ certificate, key }: ServerCertificate, handle: (request: ServedRequest) => ServedAnswer | Promise<ServedAnswer>): Promise<TlsService> {
  const seen: ServedRequest[] = [];
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { pathname, search } = new URL(request.url ?? "/", "https://localhost");
      const asked: ServedRequest = { method: request.method ?? "", path: pathname, query: search.slice(1), headers: request.headers, body: Buffer.concat(parts).toString() };
      seen.push(asked);
      void Promise.resolve(handle(asked)).then(({ status = 200, body }) => response.writeHead(status, { "Content-Type": "application/json" }).end(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
