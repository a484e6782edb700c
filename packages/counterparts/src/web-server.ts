import { createServer as createPlain } from "node:http";
import type { IncomingMessage, RequestListener } from "node:http";
import { createServer as createTls } from "node:https";
import type { AddressInfo } from "node:net";
import type { ServerCertificate } from "./account.js";

/** An HTTP server on loopback. */
export interface WebServer {
  /** `http://127.0.0.1:PORT`, or https where it has a certificate. */
  readonly url: string;
  stop(): Promise<void>;
}

export interface WebAnswer {
  readonly status?: number;
  readonly json: unknown;
}

export async function startWebServer(answer: (request: IncomingMessage, body: string) => WebAnswer, tls?: ServerCertificate): Promise<WebServer> {
  const listener: RequestListener = (request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { status = 200, json } = answer(request, Buffer.concat(parts).toString());
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
    });
  };
  const server = tls ? createTls({ cert: tls.certificate, key: tls.key }, listener) : createPlain(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What follows `Bearer `; empty without. */
export const bearerOf = ({ headers }: IncomingMessage): string => (headers.authorization ?? "").replace(/^Bearer /, "");
