import type { IncomingMessage, ServerResponse } from "node:http";
import { RequestError } from "@coffer/state-machine";
import type { ApiResponse } from "@coffer/state-machine";
import type { Listener } from "../configuration/types.js";
import type { Logger } from "../logging/logger.js";
import type { ApiApplication } from "./application.js";
import type { TrustedProxies } from "./client-address.js";
import { corsAnswer } from "./cors.js";
import { ALLOWED_METHODS, parseRequest } from "./parse-request.js";
import type { OpenRequest } from "./parse-request.js";
import { hasBody, readBody } from "./request-body.js";
import { createResponder } from "./respond.js";
import { limitBody, limitSilence } from "./upload-limits.js";

export interface ApiHandlerOptions {
  readonly application: ApiApplication;
  readonly listener: Pick<Listener, "maxRequestSize" | "maxRequestDuration" | "readTimeout" | "tls" | "unauthenticatedMetrics" | "tokenOnly">;
  readonly proxies: TrustedProxies;
  readonly logger: Logger;
  readonly isClosing: () => boolean;
  readonly stallTimeoutMs: number;
}

/** `method` as the client sent it; `url` begins with `/v1/`. */
export type ApiHandler = (request: IncomingMessage, response: ServerResponse, method: string, url: string) => void;

const NOTHING: readonly string[] = Object.freeze([]);
const ALLOW: readonly string[] = Object.freeze(["Allow", ALLOWED_METHODS]);
const METRICS: readonly string[] = Object.freeze(["sys/metrics"]);
const TIMEOUT = { status: 408, messages: ["the request's body did not arrive in time"] };
const TOO_LARGE = new RequestError("too_large", "the request's body is too large");
const TOO_LONG = new RequestError("overloaded", "the request took longer than max_request_duration");
const BROKEN_OFF = 400;

/** One request under way. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly parsed: OpenRequest;
  /** Headers that CORS adds. */
  readonly extra: readonly string[];
  readonly done: (status: number) => void;
  /** Runs out when the request has taken too long; set only where there is something to wait for. */
  timer: NodeJS.Timeout | undefined;
  isOver: boolean;
  readonly client: Client;
}

/** Apart from the exchange: whoever works on a request holds this, and must not keep sockets and answers alive by it. */
interface Client {
  /** Before it was answered. */
  hasGone: boolean;
}

/** Everything under /v1/. A request that has no body and is answered at once is answered within the call. */
export function createApiHandler({ application, listener, proxies, logger, isClosing, stallTimeoutMs }: ApiHandlerOptions): ApiHandler {
  const responder = createResponder({ application, isSecure: listener.tls !== undefined, isClosing, stallTimeoutMs });

  function refuse(response: ServerResponse, error: unknown, extra: readonly string[]): void {
    const known = toRequestError(error);
    // What went wrong may have been the answer itself: no header of it, and nothing more on its connection.
    if (known !== error) return responder.refuseUnread(response.req, response, known, NOTHING);
    responder.refuse(response, known, known.status === 405 ? [...extra, ...ALLOW] : extra);
  }

  function toRequestError(error: unknown): RequestError {
    if (error instanceof RequestError) return error;
    logger.error("a request failed", { error: error instanceof Error ? error.stack : String(error) });
    return new RequestError("internal", "internal error");
  }

  function finish(exchange: Exchange, status: number): boolean {
    if (exchange.isOver) return false;
    exchange.isOver = true;
    clearTimeout(exchange.timer);
    exchange.done(status);
    return true;
  }

  function answer(exchange: Exchange, response: ApiResponse): void {
    if (exchange.isOver) return discard(response);
    clearTimeout(exchange.timer);
    responder.respond(exchange.response, response, exchange.extra, () => finish(exchange, response.status));
  }

  function fail(exchange: Exchange, error: unknown): void {
    const known = toRequestError(error);
    if (!finish(exchange, known.status)) return;
    if (exchange.response.headersSent) exchange.response.destroy();
    else refuse(exchange.response, known, exchange.extra);
  }

  function refuseUnread(exchange: Exchange, error: Pick<RequestError, "status" | "messages">): void {
    if (finish(exchange, error.status)) responder.refuseUnread(exchange.request, exchange.response, error, exchange.extra);
  }

  /** Told to whoever works on the request, and at once off the list of those under way. */
  function watchClient(exchange: Exchange): void {
    exchange.response.once("close", () => {
      if (exchange.isOver) return;
      exchange.client.hasGone = true;
      finish(exchange, BROKEN_OFF);
    });
    exchange.parsed.isAbandoned = askAfter(exchange.client);
  }

  function startTimer(exchange: Exchange): void {
    if (listener.maxRequestDuration <= 0) return;
    exchange.timer ??= setTimeout(() => refuseUnread(exchange, TOO_LONG), listener.maxRequestDuration * 1000).unref();
  }

  function handle(exchange: Exchange): void {
    try {
      watchClient(exchange);
      const handled = application.handle(exchange.parsed);
      if (!(handled instanceof Promise)) return answer(exchange, handled);
      // An upload takes as long as it takes; what is made of it does not.
      if (exchange.parsed.stream) exchange.request.once("end", () => exchange.isOver || startTimer(exchange));
      else startTimer(exchange);
      handled.then((response) => answer(exchange, response)).catch((error: unknown) => fail(exchange, error));
    } catch (error) {
      fail(exchange, error);
    }
  }

  async function readThenHandle(exchange: Exchange): Promise<void> {
    startTimer(exchange);
    const body = await readBody(exchange.request, listener.maxRequestSize, listener.readTimeout * 1000);
    if (body === "too_large") return refuseUnread(exchange, TOO_LARGE);
    if (body === "timeout") return refuseUnread(exchange, TIMEOUT);
    if (body === "aborted") return void finish(exchange, BROKEN_OFF);
    if (exchange.isOver) return;
    exchange.parsed.body = body;
    handle(exchange);
  }

  return (request, response, method, url) => {
    let extra = NOTHING;
    let parsed: OpenRequest;
    const withBody = hasBody(request);
    let isStream: boolean;
    try {
      const { origin } = request.headers;
      const cors = origin === undefined ? undefined : corsAnswer(request, origin, application.cors());
      if (cors) {
        extra = cors.headers;
        if (cors.refusal) throw cors.refusal;
        if (cors.isPreflight) return responder.respond(response, PREFLIGHT_PASSED, extra, () => {});
      }
      parsed = parseRequest(request, method, url, proxies);
      if (listener.unauthenticatedMetrics) parsed.openPaths = METRICS;
      if (listener.tokenOnly.some((prefix) => parsed.path.startsWith(prefix))) parsed.tokenOnly = true;
      isStream = withBody && application.takesStream(parsed);
    } catch (error) {
      if (withBody) limitBody(request, listener.readTimeout * 1000);
      return refuse(response, error, extra);
    }
    const exchange: Exchange = { request, response, parsed, extra, done: application.requests.begin(parsed), timer: undefined, isOver: false, client: { hasGone: false } };
    if (isStream) {
      parsed.stream = request.on("error", () => {});
      limitSilence(request, listener.readTimeout * 1000, () => refuseUnread(exchange, TIMEOUT));
      // What nobody read of it is in the way of the connection's next request.
      response.once("finish", () => {
        limitBody(request, listener.readTimeout * 1000);
        request.resume();
      });
    }
    if (isStream || !withBody) handle(exchange);
    else void readThenHandle(exchange);
  };
}

const PREFLIGHT_PASSED: ApiResponse = Object.freeze({ status: 204, headers: Object.freeze({}), contentType: "", body: null, index: 0 });

/** In a function of its own, so that the closure's context holds nothing else. */
function askAfter(client: Client): () => boolean {
  return () => client.hasGone;
}

/** An answer that came too late. */
function discard({ body }: ApiResponse): void {
  if (body !== null && typeof body === "object" && "destroy" in body) body.on("error", () => {}).destroy();
}
