import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createSecureServer } from "node:http2";
import type { Http2SecureServer, ServerHttp2Session } from "node:http2";
import { Socket } from "node:net";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Listener, ListenerTls } from "../configuration/types.js";
import type { Logger } from "../logging/logger.js";
import { noteResponse } from "./answer-order.js";
import { createApiHandler } from "./api-handler.js";
import type { ApiApplication } from "./application.js";
import { trustedProxies } from "./client-address.js";
import { answerClientError } from "./client-error.js";
import { API_PREFIX } from "./parse-request.js";
import { clientCertificateOptions, readSecureContext } from "./tls-options.js";
import { limitBody } from "./upload-limits.js";
import { STAND_IN, createVerbLanes } from "./verb-lane.js";

export interface ListenerOptions {
  readonly listener: Listener;
  readonly application: ApiApplication;
  readonly logger: Logger;
  /** Serves what is not under /v1/; without it that is 404. */
  readonly other?: (request: IncomingMessage, response: ServerResponse) => void;
}

export interface RunningListener {
  /** host:port as bound: the port is the real one where 0 was asked for. */
  readonly address: string;
  /** Reads the certificate files anew, for connections to come. Files that do not fit are logged; what was read before stays. */
  reload(): void;
  /** Takes no more connections, closes idle ones, lets requests under way finish, and after `graceMs` closes everything. */
  close(graceMs: number): Promise<void>;
}

/** Of a request line and its headers, together. */
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_STREAMS_PER_CONNECTION = 250;
/** How often Node looks for requests that are late. */
const CHECK_MS = { least: 50, most: 1_000 };
/** How often a closing listener looks for connections that have become idle. */
const SWEEP_MS = 50;

/** Throws Error where the address is taken, the certificate files are of no use, or a trusted proxy is no address. */
export async function startListener({ listener, application, logger, other }: ListenerOptions): Promise<RunningListener> {
  const { tls } = listener;
  const stallTimeoutMs = stallTimeout(listener);
  let isClosing = false;
  const api = createApiHandler({ application, listener, proxies: trustedProxies(listener.trustedProxies), logger, isClosing: () => isClosing, stallTimeoutMs });
  const server = tls === undefined ? createServer({ maxHeaderSize: MAX_HEADER_BYTES }) : secureServer(tls, listener);
  Object.assign(server, timeouts(listener), { maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: true });
  const lanes = createVerbLanes((lane) => {
    // What Node asks of a TLS connection before it takes it for HTTP/1.1.
    Object.assign(lane, { server, alpnProtocol: false });
    server.emit(tls === undefined ? "connection" : "secureConnection", lane);
  });
  const connections = trackConnections(server, stallTimeoutMs);

  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    let method = request.method ?? "";
    if (request.httpVersionMajor === 1) {
      noteResponse(request.socket, response);
      if (method === STAND_IN) request.method = method = lanes.verbOf(request);
    }
    const url = originForm(request.url ?? "");
    if (url.startsWith(API_PREFIX)) api(request, response, method, url);
    else if (other) {
      limitBody(request, listener.readTimeout * 1000);
      if (request.httpVersionMajor === 1) request.socket.setTimeout(stallTimeoutMs);
      other(request, response);
    } else {
      limitBody(request, listener.readTimeout * 1000);
      response.writeHead(404).end();
    }
  });
  server.on("clientError", (error: Error, socket: Duplex) => {
    if (!lanes.rescue(error, socket)) answerClientError(error, socket);
  });
  server.on("tlsClientError", (error: Error, socket: Socket) => logger.debug("TLS handshake failed", { remote: socket.remoteAddress, error: error.message }));

  const address = await listen(server, listener.address);
  return {
    address,
    reload() {
      if (tls === undefined) return;
      try {
        (server as Http2SecureServer).setSecureContext(readSecureContext(tls));
        logger.info("certificate reloaded", { file: tls.certificateFile });
      } catch (error) {
        logger.error("certificate not reloaded; the one before stays in use", { file: tls.certificateFile, error: (error as Error).message });
      }
    },
    close: (graceMs) =>
      new Promise((resolve) => {
        isClosing = true;
        const timer = setTimeout(() => connections.destroy(), graceMs);
        const sweep = setInterval(() => (server as Server).closeIdleConnections(), SWEEP_MS);
        server.close(() => {
          clearTimeout(timer);
          clearInterval(sweep);
          resolve();
        });
        connections.finishSessions();
      }),
  };
}

function secureServer(tls: ListenerTls, { readHeaderTimeout }: Listener): Http2SecureServer {
  return createSecureServer({
    ...readSecureContext(tls),
    ...clientCertificateOptions(tls),
    allowHTTP1: true,
    handshakeTimeout: readHeaderTimeout > 0 ? readHeaderTimeout * 1000 : undefined,
    settings: { maxConcurrentStreams: MAX_STREAMS_PER_CONNECTION, maxHeaderListSize: MAX_HEADER_BYTES },
  });
}

/** Node's names for them, in milliseconds. */
function timeouts({ readHeaderTimeout, idleTimeout }: Listener) {
  const headersTimeout = readHeaderTimeout * 1000;
  return {
    headersTimeout,
    // Of the whole request, whatever it is: `readTimeout` is kept by those who read bodies, as an upload may go on for longer.
    requestTimeout: 0,
    keepAliveTimeout: idleTimeout * 1000,
    connectionsCheckingInterval: Math.max(CHECK_MS.least, headersTimeout > 0 ? Math.min(CHECK_MS.most, headersTimeout / 4) : CHECK_MS.most),
  };
}

/**
 * After how many milliseconds a connection on which nothing moves is closed although a request is under way, such as that of
 * a client that does not read its answer. 0: never. (Node's `server.timeout` says the same, at the price of a timer a request.)
 */
function stallTimeout({ idleTimeout, maxRequestDuration }: Listener): number {
  return idleTimeout > 0 && maxRequestDuration > 0 ? Math.max(idleTimeout, maxRequestDuration) * 1000 : 0;
}

/** `http://host/v1/x`, as proxies send it, is `/v1/x`. */
function originForm(url: string): string {
  return url.startsWith("/") ? url : url.replace(/^https?:\/\/[^/?#]*/i, "");
}

function trackConnections(server: Server | Http2SecureServer, stallTimeoutMs: number) {
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  server.on("connection", (socket: Duplex) => {
    // A lane's socket is here already.
    if (socket instanceof Socket) sockets.add(socket.once("close", () => sockets.delete(socket)));
  });
  server.on("session", (session: ServerHttp2Session) => {
    sessions.add(session.once("close", () => sessions.delete(session)));
    session.setTimeout(stallTimeoutMs, () => session.destroy());
  });
  return {
    /** HTTP/2's; on HTTP/1.1 the answers say that they are the last. */
    finishSessions(): void {
      for (const session of sessions) session.close();
    },
    destroy(): void {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function listen(server: Server | Http2SecureServer, address: string): Promise<string> {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: Number(address.slice(colon + 1)), ...(host !== "" && { host }) }, () => {
      server.off("error", reject);
      const bound = server.address() as AddressInfo;
      resolve(`${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}`);
    });
  });
}
