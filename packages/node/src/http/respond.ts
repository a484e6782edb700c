import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import { Readable, pipeline } from "node:stream";
import type { ApiResponse, RequestError } from "@coffer/state-machine";
import type { ApiApplication } from "./application.js";

const ONE_YEAR_SECONDS = 31_536_000;
/** So long may a client go on sending what nobody reads before its connection is closed; time for it to read its answer. */
const LINGER_MS = 1_000;
const NO_CONTENT = 204;
const CACHE_CONTROL = "Cache-Control";
const JSON_TYPE = "application/json";

export interface Responder {
  /** `extra`: names and values in turn. `done` is called when the answer is out or its client gone. */
  respond(response: ServerResponse, answer: ApiResponse, extra: readonly string[], done: () => void): void;
  /** An answer of HTTP's own. */
  refuse(response: ServerResponse, error: Pick<RequestError, "status" | "messages">, extra: readonly string[]): void;
  /** As `refuse`, to a request whose body is not read to its end: the connection goes with it. */
  refuseUnread(request: IncomingMessage, response: ServerResponse, error: Pick<RequestError, "status" | "messages">, extra: readonly string[]): void;
}

export interface ResponderOptions {
  readonly application: Pick<ApiApplication, "headers" | "stateHeader">;
  readonly isSecure: boolean;
  /** From then on answers over HTTP/1.1 are their connection's last. */
  readonly isClosing: () => boolean;
  /** So long may a client take nothing of its answer; 0: for ever. */
  readonly stallTimeoutMs: number;
}

export function createResponder({ application, isSecure, isClosing, stallTimeoutMs }: ResponderOptions): Responder {
  const always: readonly string[] = [CACHE_CONTROL, "no-store", ...(isSecure ? ["Strict-Transport-Security", `max-age=${ONE_YEAR_SECONDS}; includeSubDomains`] : []), ...Object.entries(application.headers).flat()];

  function head(response: ServerResponse, status: number, contentType: string, length: number | undefined, extra: readonly string[], isLast = isClosing()): string[] {
    const headers = [...always, ...extra];
    if (isLast && response.req.httpVersionMajor === 1) headers.push("Connection", "close");
    if (status === NO_CONTENT) return headers;
    if (contentType !== "") headers.push("Content-Type", contentType);
    if (length !== undefined) headers.push("Content-Length", String(length));
    return headers;
  }

  function respond(response: ServerResponse, { status, headers, contentType, body, index }: ApiResponse, extra: readonly string[], done: () => void): void {
    if (body instanceof Readable) return respondWithStream(response, { status, headers, contentType, body, index }, extra, done);
    const length = body === null ? 0 : typeof body === "string" ? Buffer.byteLength(body) : body.length;
    const all = head(response, status, contentType, length, extra);
    addOwn(all, headers, application.stateHeader(index));
    if ((status === 429 || status === 503) && typeof body === "string" && body.startsWith('{"errors"') && headers["Retry-After"] === undefined) all.push("Retry-After", "1");
    response.writeHead(status, all);
    if (body === null || status === NO_CONTENT) response.end();
    else response.end(body);
    // Most answers have left by now: those cost no timer.
    if (response.socket === null || response.socket.writableLength > 0) limitStall(response);
    done();
  }

  /** HTTP/2 limits its whole connection instead. Node resets this with the next request. */
  function limitStall(response: ServerResponse): void {
    if (stallTimeoutMs <= 0 || response.req.httpVersionMajor === 2) return;
    if (response.socket) response.socket.setTimeout(stallTimeoutMs);
    // It waits for answers before it.
    else response.once("socket", (socket: Socket) => socket.setTimeout(stallTimeoutMs));
  }

  function respondWithStream(response: ServerResponse, { status, headers, contentType, body, index }: ApiResponse & { body: Readable }, extra: readonly string[], done: () => void): void {
    const isUnwanted = response.destroyed || response.req.method === "HEAD" || status === NO_CONTENT;
    const all = head(response, status, contentType, undefined, extra);
    addOwn(all, headers, application.stateHeader(index));
    if (!response.destroyed) response.writeHead(status, all);
    if (isUnwanted) {
      body.on("error", () => {}).destroy();
      response.end();
      return done();
    }
    const sink = response.req.httpVersionMajor === 2 ? (response as unknown as Http2ServerResponse).stream : response;
    limitStall(response);
    // The first of it may take its time (a log in which nothing happens), and the client is to know that it is being served.
    if (response.req.httpVersionMajor === 1) response.flushHeaders();
    pipeline(body, sink, done);
  }

  function refusal(response: ServerResponse, { status, messages }: Pick<RequestError, "status" | "messages">, extra: readonly string[], isLast?: boolean): { readonly headers: string[]; readonly body: string } {
    const body = `${JSON.stringify({ errors: messages })}\n`;
    const headers = head(response, status, JSON_TYPE, Buffer.byteLength(body), extra, isLast);
    if (status === 429 || status === 503) headers.push("Retry-After", "1");
    return { headers, body };
  }

  return {
    respond,
    refuse(response, error, extra) {
      const { headers, body } = refusal(response, error, extra);
      response.writeHead(error.status, headers).end(body);
    },
    refuseUnread(request, response, error, extra) {
      if (response.destroyed) return;
      const { headers, body } = refusal(response, error, extra, true);
      if (request.httpVersionMajor === 2) {
        const { stream } = response as unknown as Http2ServerResponse;
        response.writeHead(error.status, headers).end(body, () => stream.close());
        return;
      }
      // The whole answer goes out, the end only later: a socket closed on unread bytes may take the answer back.
      response.writeHead(error.status, headers).write(body);
      const timer = setTimeout(end, LINGER_MS);
      function end(): void {
        clearTimeout(timer);
        response.end();
      }
      if (request.readableEnded || request.destroyed) end();
      else request.on("error", () => {}).once("end", end).once("close", end).resume();
    },
  };
}

function addOwn(all: string[], headers: Readonly<Record<string, string>>, state: string): void {
  if (state !== "") all.push("X-Vault-Index", state);
  for (const name in headers) {
    // Comes first in all answers; said twice it would be a list of both.
    if (name === CACHE_CONTROL) all[1] = headers[name]!;
    else all.push(name, headers[name]!);
  }
}
