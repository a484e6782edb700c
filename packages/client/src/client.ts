import { request as httpRequest, type IncomingMessage, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { openConnection, type Connection } from "./connection.js";
import type { Envelope } from "./envelope.js";
import { ApiError, ClientSetupError, ConnectionError } from "./errors.js";
import {
  DEFAULT_MAX_RETRIES,
  DEFAULT_MAX_RETRY_WAIT_MS,
  DEFAULT_MIN_RETRY_WAIT_MS,
  DEFAULT_TIMEOUT_MS,
  type ClientOptions,
} from "./options.js";
import { formatPath, formatQuery, type Query } from "./path.js";
import { retryConnection, retryStatus, retryWaitMs } from "./retry.js";

/** GET, PUT, POST, PATCH, DELETE, HEAD; LIST and SCAN go out as GET with ?list=true and ?scan=true. */
export type Method = "GET" | "PUT" | "POST" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS" | "LIST" | "SCAN";

export type RequestOptions = {
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. A stream comes as a function, because a redirect or retry must read it from its beginning. */
  readonly rawBody?: string | Uint8Array | (() => Readable);
  readonly headers?: Readonly<Record<string, string>>;
  /** Gives up: the promise rejects with a ConnectionError. */
  readonly signal?: AbortSignal;
  /** For this request only. */
  readonly timeoutMs?: number;
  readonly maxRetries?: number;
};

/** An answer below 400 (or sys/health's own codes), read to its end. */
export type Reply = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
};

/** An answer whose body is still to be read. */
export type StreamReply = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
};

export type Client = {
  readonly address: string;
  readonly options: ClientOptions;
  /** The parsed envelope; for a 204 one with `data: {}`. `Extra` types what sys/ paths answer beside it at the top level. */
  request<Data = Record<string, unknown>, Extra = unknown>(method: Method, path: string, options?: RequestOptions): Promise<Envelope<Data> & Extra>;
  /** The answer as text, for whoever needs the status, the headers or the exact bytes. */
  send(method: Method, path: string, options?: RequestOptions): Promise<Reply>;
  /** The answer as a stream: snapshots, monitoring. */
  stream(method: Method, path: string, options?: RequestOptions): Promise<StreamReply>;
  /** What would be sent, without sending it. */
  describe(method: Method, path: string, options?: RequestOptions): { method: string; url: string; headers: Readonly<Record<string, string | string[]>>; body: string | undefined };
  /** A client that differs in these options. It shares the connections unless the address or TLS settings change. */
  with(changes: ClientOptions): Client;
  /** Closes idle connections. */
  close(): void;
};

/**
 * A client for Vault's HTTP API.
 *
 *     const client = createClient({ address: "http://127.0.0.1:8200", token });
 *     const { data } = await client.request("GET", "secret/data/app");
 *
 * Rejects with ApiError when the server refuses and ConnectionError when there is no answer.
 * Throws ClientSetupError at once for an address or certificate that cannot be used.
 */
export function createClient(options: ClientOptions = {}): Client {
  return assemble(options, openConnection(options));
}

const CONNECTION_OPTIONS = ["address", "caCert", "caCertPem", "caPath", "clientCert", "clientKey", "skipVerify", "tlsServerName"] as const;

function assemble(options: ClientOptions, connection: Connection): Client {
  const stream = async (method: Method, path: string, call: RequestOptions = {}): Promise<StreamReply> =>
    exchange(options, connection, prepare(options, connection, method, path, call), call);
  const send = async (method: Method, path: string, call: RequestOptions = {}): Promise<Reply> => {
    const prepared = prepare(options, connection, method, path, call);
    const answer = await exchange(options, connection, prepared, call);
    return { status: answer.status, headers: answer.headers, text: await readText(answer.body, prepared) };
  };
  return {
    address: connection.base.href.replace(/\/$/, ""),
    options,
    send,
    stream,
    request: async <Data, Extra>(method: Method, path: string, call?: RequestOptions) =>
      parseEnvelope(await send(method, path, call)) as Envelope<Data> & Extra,
    describe: (method, path, call = {}) => {
      const { method: verb, url, headers, body } = prepare(options, connection, method, path, call);
      return { method: verb, url: url.href, headers, body: typeof body === "function" || body === undefined ? undefined : Buffer.from(body).toString("utf8") };
    },
    with: (changes) => {
      const next = { ...options, ...changes };
      const sameConnection = CONNECTION_OPTIONS.every((key) => next[key] === options[key]);
      return assemble(next, sameConnection ? connection : openConnection(next));
    },
    close: () => {
      connection.httpAgent.destroy();
      connection.httpsAgent.destroy();
    },
  };
}

type Prepared = {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string | Uint8Array | (() => Readable) | undefined;
};

function prepare(options: ClientOptions, connection: Connection, method: Method, path: string, call: RequestOptions): Prepared {
  const listing = method === "LIST" ? { list: "true" } : method === "SCAN" ? { scan: "true" } : {};
  const url = new URL(connection.base.href);
  url.pathname = `${connection.base.pathname.replace(/\/$/, "")}/v1/${formatPath(path)}`;
  url.search = formatQuery({ ...call.query, ...listing });

  const headers: Record<string, string | string[]> = { "X-Vault-Request": "true" };
  if (options.userAgent !== undefined) headers["User-Agent"] = options.userAgent;
  if (options.token !== undefined && options.token !== "") headers["X-Vault-Token"] = checkedToken(options.token);
  if (options.namespace !== undefined && options.namespace !== "") headers["X-Vault-Namespace"] = options.namespace;
  if (options.mfa !== undefined && options.mfa.length > 0) headers["X-Vault-MFA"] = [...options.mfa];
  if (options.policyOverride === true) headers["X-Vault-Policy-Override"] = "true";
  const wrapTtl = typeof options.wrapTtl === "function" ? options.wrapTtl(method, path) : options.wrapTtl;
  if (wrapTtl !== undefined && wrapTtl !== "") headers["X-Vault-Wrap-TTL"] = wrapTtl;
  if (call.body !== undefined) headers["Content-Type"] = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  Object.assign(headers, options.headers, call.headers);

  const verb = method === "LIST" || method === "SCAN" ? "GET" : method;
  return { method: verb, url, headers, body: call.body === undefined ? call.rawBody : JSON.stringify(call.body) };
}

/** A token with a newline in it would end the header and begin another one. */
function checkedToken(token: string): string {
  if (!/^[\x21-\x7e]+$/.test(token)) throw new ClientSetupError("configured token contains non-printable characters and cannot be used");
  return token;
}

async function exchange(options: ClientOptions, connection: Connection, first: Prepared, call: RequestOptions): Promise<StreamReply> {
  const answer = await attempts(options, connection, first, call);
  const location = answer.headers.location;
  const redirected = answer.status === 301 || answer.status === 302 || answer.status === 307;
  if (!redirected || location === undefined || options.followRedirects === false) return answer;
  answer.body.resume();
  const url = new URL(location, first.url);
  if (first.url.protocol === "https:" && url.protocol !== "https:") {
    throw new ConnectionError({ code: "DOWNGRADE", method: first.method, url: first.url.href, reason: "redirect would cause protocol downgrade" });
  }
  // One redirect only, method and body kept: a standby names the active node, and that is where it ends.
  return attempts(options, connection, { ...first, url }, call);
}

async function attempts(options: ClientOptions, connection: Connection, prepared: Prepared, call: RequestOptions): Promise<StreamReply> {
  const maxRetries = call.maxRetries ?? options.maxRetries ?? DEFAULT_MAX_RETRIES;
  const range = { minMs: options.minRetryWaitMs ?? DEFAULT_MIN_RETRY_WAIT_MS, maxMs: options.maxRetryWaitMs ?? DEFAULT_MAX_RETRY_WAIT_MS };
  for (let attempt = 1; ; attempt++) {
    const mayRetry = attempt <= maxRetries;
    try {
      const answer = await once(options, connection, prepared, call);
      if (!isError(prepared, answer.statusCode ?? 0)) return { status: answer.statusCode ?? 0, headers: answer.headers, body: answer };
      const text = await readText(answer, prepared);
      if (!mayRetry || !retryStatus(answer.statusCode ?? 0)) throw apiError(prepared, answer, text);
      await sleep(retryWaitMs(attempt, answer.headers["retry-after"], range), undefined, { signal: call.signal });
    } catch (error) {
      if (!(error instanceof ConnectionError) || !mayRetry || call.signal?.aborted === true) throw error;
      if (!retryConnection(prepared.method, error.code)) throw error;
      await sleep(retryWaitMs(attempt, undefined, range), undefined, { signal: call.signal });
    }
  }
}

function isError(prepared: Prepared, status: number): boolean {
  // sys/health says "standby" by 429; that is an answer, not a refusal.
  if (status === 429 && prepared.url.pathname.endsWith("/v1/sys/health")) return false;
  return status >= 400 || status < 200;
}

function apiError(prepared: Prepared, answer: IncomingMessage, text: string): ApiError {
  const namespace = answer.headers["x-vault-namespace"];
  return new ApiError({
    status: answer.statusCode ?? 0,
    method: prepared.method,
    url: prepared.url.href,
    text,
    namespace: Array.isArray(namespace) ? namespace[0] : namespace,
  });
}

function once(options: ClientOptions, connection: Connection, prepared: Prepared, call: RequestOptions): Promise<IncomingMessage> {
  const secure = prepared.url.protocol === "https:";
  const headers: OutgoingHttpHeaders = { ...prepared.headers };
  const body = prepared.body;
  if (body !== undefined && typeof body !== "function") headers["Content-Length"] = Buffer.byteLength(body);
  const timeoutMs = call.timeoutMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const toBase = prepared.url.host === connection.base.host;

  return new Promise((resolve, reject) => {
    const start = secure ? httpsRequest : httpRequest;
    const outgoing = start(prepared.url, {
      method: prepared.method,
      headers,
      agent: secure ? connection.httpsAgent : connection.httpAgent,
      ...(connection.socketPath !== undefined && toBase ? { socketPath: connection.socketPath } : {}),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    const timer = timeoutMs > 0 ? setTimeout(() => outgoing.destroy(timeoutError(timeoutMs)), timeoutMs) : undefined;
    outgoing.on("response", (answer) => {
      // A snapshot may take longer than any timeout for a request: once there is an answer, only silence counts.
      clearTimeout(timer);
      if (timeoutMs > 0) answer.setTimeout(timeoutMs, () => answer.destroy(timeoutError(timeoutMs)));
      resolve(answer);
    });
    outgoing.on("error", (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(connectionError(prepared, cause));
    });
    if (typeof body !== "function") {
      outgoing.end(body);
      return;
    }
    const source = body();
    source.on("error", (cause) => outgoing.destroy(cause));
    source.pipe(outgoing);
  });
}

function timeoutError(timeoutMs: number): Error {
  return Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: "ETIMEDOUT" });
}

function connectionError(prepared: Prepared, cause: NodeJS.ErrnoException): ConnectionError {
  // An address that resolves to several hosts fails with one error each.
  const inner = cause instanceof AggregateError ? (cause.errors[0] as NodeJS.ErrnoException | undefined) : cause;
  const reason = inner?.message ?? cause.message;
  return new ConnectionError({ code: cause.code ?? inner?.code ?? "UNKNOWN", method: prepared.method, url: prepared.url.href, reason, cause });
}

async function readText(body: Readable, prepared: Prepared): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of body) chunks.push(chunk as Buffer);
  } catch (cause) {
    throw connectionError(prepared, cause as NodeJS.ErrnoException);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const EMPTY_ENVELOPE: Envelope = { request_id: "", lease_id: "", renewable: false, lease_duration: 0, data: {}, wrap_info: null, warnings: null, auth: null };

function parseEnvelope(reply: Reply): unknown {
  if (reply.text.trim() === "") return EMPTY_ENVELOPE;
  let body: unknown;
  try {
    body = JSON.parse(reply.text);
  } catch {
    throw new ApiError({ status: reply.status, method: "", url: "", text: reply.text });
  }
  return body;
}
