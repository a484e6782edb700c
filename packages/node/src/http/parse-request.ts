import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { parse as parseQuery } from "node:querystring";
import { RequestError, invalid } from "@coffer/state-machine";
import type { ApiRequest } from "@coffer/state-machine";
import type { TrustedProxies } from "./client-address.js";
import { peerCertificates } from "./peer-certificate.js";
import { requestPath } from "./request-path.js";

/** Its maker still adds the body. */
export type OpenRequest = { -readonly [K in keyof ApiRequest]: ApiRequest[K] };

type Query = ApiRequest["query"];

export const API_PREFIX = "/v1/";
const NO_QUERY: Query = Object.freeze({});
const NO_BODY = new Uint8Array(0);
const METHODS: Readonly<Record<string, ApiRequest["operation"]>> = Object.freeze(
  Object.assign(Object.create(null) as object, {
    GET: "read", HEAD: "head", POST: "update", PUT: "update", DELETE: "delete", PATCH: "patch", LIST: "list", SCAN: "scan", HELP: "help",
  } as const),
);
/** For 405 answers. */
export const ALLOWED_METHODS = [...Object.keys(METHODS), "OPTIONS"].join(", ");

/** What Go's strconv.ParseBool takes: clients are written against that. */
const TRUE = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const FALSE = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/**
 * A request without its body. `url` begins with `/v1/`; `method` is what the client sent (see verb-lane.ts).
 * Throws RequestError 400, 405.
 */
export function parseRequest(request: IncomingMessage, method: string, url: string, proxies: TrustedProxies): OpenRequest {
  const mark = url.indexOf("?");
  const query = mark < 0 ? NO_QUERY : (parseQuery(url.slice(mark + 1)) as Query);
  const operation = operationOf(method, query);
  let path = requestPath(mark < 0 ? url.slice(API_PREFIX.length) : url.slice(API_PREFIX.length, mark));
  if ((operation === "list" || operation === "scan") && path !== "" && !path.endsWith("/")) path += "/";
  const { headers, socket } = request;
  requireRootNamespace(headers["x-vault-namespace"] as string | undefined);
  const parsed: OpenRequest = {
    id: randomUUID(),
    operation,
    path,
    query,
    body: NO_BODY,
    contentType: headers["content-type"]?.toLowerCase() ?? "",
    token: tokenOf(headers),
    headers: handedOn(request),
    remoteAddress: proxies.clientAddress(socket.remoteAddress ?? "", headers["x-forwarded-for"] as string | undefined),
    remotePort: socket.remotePort ?? 0,
  };
  const shown = peerCertificates(socket);
  if (shown) parsed.clientCertificate = shown.leaf;
  if (shown && shown.intermediates.length > 0) parsed.clientIntermediates = shown.intermediates;
  return parsed;
}

function operationOf(method: string, query: Query): ApiRequest["operation"] {
  const operation = METHODS[method];
  if (operation === undefined) throw new RequestError("unsupported_operation", "unsupported method");
  if (query === NO_QUERY) return operation;
  if (first(query, "help") !== "") return "help";
  if (operation !== "read") return operation;
  if (flag(query, "list")) return "list";
  return flag(query, "scan") ? "scan" : "read";
}

function first(query: Query, name: string): string {
  const value = query[name];
  return typeof value === "string" ? value : (value?.[0] ?? "");
}

function flag(query: Query, name: string): boolean {
  const text = first(query, name);
  if (text === "" || FALSE.has(text)) return false;
  if (TRUE.has(text)) return true;
  throw invalid(`${name} in the query must be true or false`);
}

function requireRootNamespace(name: string | undefined): void {
  if (name === undefined) return;
  const bare = name.trim().replace(/^\/+|\/+$/g, "");
  if (bare !== "" && bare !== "root") throw invalid("namespaces are not supported: leave the X-Vault-Namespace header out, or set it to root");
}

const BEARER = "Bearer ";

function tokenOf(headers: IncomingHttpHeaders): string | undefined {
  const token = headers["x-vault-token"] as string | undefined;
  if (token) return token;
  const { authorization } = headers;
  return authorization?.startsWith(BEARER) ? authorization.slice(BEARER.length).trim() || undefined : undefined;
}

/** RFC 7617: no token of ours, but how an OIDC client shows who it is. */
const BASIC = /^basic /i;

/** The headers without the token's and HTTP/2's own. */
function handedOn({ headers, rawHeaders }: IncomingMessage): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name in headers) {
    if (name === "x-vault-token" || name.charCodeAt(0) === 58) continue;
    const value = headers[name];
    if (name === "authorization" && !BASIC.test(value as string)) continue;
    kept[name] = typeof value === "string" ? value : (value?.join(", ") ?? "");
  }
  if (kept["x-vault-mfa"] !== undefined) kept["x-vault-mfa"] = repeated(rawHeaders, "x-vault-mfa").join("\n");
  return kept;
}

function repeated(rawHeaders: readonly string[], wanted: string): string[] {
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at]!.toLowerCase() === wanted) values.push(rawHeaders[at + 1]!);
  return values;
}
