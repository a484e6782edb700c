import { request as requestPlain } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { request as requestTls } from "node:https";
import { checkServerIdentity } from "node:tls";
import type { PeerCertificate } from "node:tls";

/** A request that an engine makes to somebody else's server. */
export interface OutgoingRequest {
  readonly url: string;
  /** Default GET. */
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** PEM. Trusted instead of the system's authorities; absent or empty: the system's. */
  readonly ca?: string;
  /** The certificate has to be good for one of these instead of the URL's host; absent or empty: for the host. */
  readonly serverNames?: readonly string[];
  /** Of the whole exchange. Default 10 seconds. */
  readonly timeoutMs?: number;
}

export interface OutgoingAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  /** The bytes, as UTF-8. */
  readonly text: string;
}

/** A login waits for it. */
const TIMEOUT_MS = 10_000;
/** Key sets, discovery documents and lists of teams are far smaller. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MAX_REDIRECTS = 5;

/** Follows redirects of a GET, without its credentials once they lead to another origin. Rejects with an error that holds no header and no body. */
export async function outgoing(request: OutgoingRequest): Promise<OutgoingAnswer> {
  let current = request;
  const signal = AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS);
  for (let redirects = 0; ; redirects++) {
    const answer = await once(current, signal);
    const { location } = answer.headers;
    if ((request.method ?? "GET") !== "GET" || ![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
    if (redirects === MAX_REDIRECTS) throw new Error(`${request.url}: stopped after ${MAX_REDIRECTS} redirects`);
    const next = new URL(location, current.url);
    const { origin, protocol } = new URL(current.url);
    if (protocol === "https:" && next.protocol !== "https:") throw new Error(`${request.url}: redirected away from TLS`);
    current = { ...current, url: next.href, ...(next.origin !== origin && { headers: {} }) };
  }
}

/** A `checkServerIdentity` of Node's TLS. */
const isNamed = (names: readonly string[]) => (_host: string, certificate: PeerCertificate): Error | undefined => {
  const problems = names.map((name) => checkServerIdentity(name, certificate));
  return problems.includes(undefined) ? undefined : problems[0];
};

function once({ url, method = "GET", headers = {}, body, ca = "", serverNames = [] }: OutgoingRequest, signal: AbortSignal): Promise<OutgoingAnswer> {
  const target = new URL(url);
  if (target.protocol !== "https:" && target.protocol !== "http:") return Promise.reject(new Error(`unsupported protocol scheme ${JSON.stringify(target.protocol)}`));
  return new Promise((resolve, reject) => {
    const start = target.protocol === "https:" ? requestTls : requestPlain;
    const fail = (error: Error) => reject(new Error(`${method} ${target.origin}${target.pathname}: ${signal.aborted ? "timed out" : error.message || (error as NodeJS.ErrnoException).code}`));
    const sent = start(target, { method, signal, headers: { "user-agent": "coffer", ...headers, ...(body !== undefined && { "content-length": String(Buffer.byteLength(body)) }) }, ...(ca !== "" && { ca }), ...(serverNames.length > 0 && { checkServerIdentity: isNamed(serverNames) }) }, (answer) => {
      const parts: Buffer[] = [];
      let size = 0;
      answer.on("data", (part: Buffer) => {
        size += part.length;
        if (size > MAX_ANSWER_BYTES) answer.destroy(new Error("the answer is too large"));
        else parts.push(part);
      });
      answer.on("error", fail);
      answer.on("end", () => {
        const bytes = Buffer.concat(parts);
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, bytes, text: bytes.toString() });
      });
    });
    sent.on("error", fail);
    sent.end(body);
  });
}

/** The answer's JSON object; undefined for anything else. */
export function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
