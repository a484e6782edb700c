import type { IncomingMessage } from "node:http";
import { RequestError } from "@coffer/state-machine";
import type { CorsConfig } from "@coffer/state-machine";

const METHODS = ["DELETE", "GET", "OPTIONS", "POST", "PUT", "LIST", "SCAN", "PATCH"];
const MAX_AGE_SECONDS = 300;

export interface CorsAnswer {
  /** Names and values in turn, for any answer to this request. */
  readonly headers: readonly string[];
  readonly refusal?: RequestError;
  readonly isPreflight: boolean;
}

/** Of a request that names its origin. Undefined: CORS has no say (it is off, or the page is this server's own). */
export function corsAnswer(request: IncomingMessage, origin: string, config: CorsConfig): CorsAnswer | undefined {
  if (!config.enabled || isOwn(request, origin)) return undefined;
  const isPreflight = request.method === "OPTIONS";
  const vary = ["Vary", "Origin"];
  const isAllowed = config.allowed_origins[0] === "*" || config.allowed_origins.includes(origin);
  if (!isAllowed) return { headers: vary, refusal: new RequestError("permission_denied", "origin not allowed"), isPreflight };
  const headers = [...vary, "Access-Control-Allow-Origin", origin];
  if (!isPreflight) return { headers, isPreflight };
  if (!METHODS.includes(request.headers["access-control-request-method"] ?? "")) {
    return { headers, refusal: new RequestError("unsupported_operation", "unsupported method"), isPreflight };
  }
  headers.push("Access-Control-Allow-Methods", METHODS.join(","), "Access-Control-Allow-Headers", config.allowed_headers.join(","), "Access-Control-Max-Age", String(MAX_AGE_SECONDS));
  return { headers, isPreflight };
}

/** Browsers name the origin of a page's own POST too. */
function isOwn(request: IncomingMessage, origin: string): boolean {
  const host = request.headers.host ?? request.headers[":authority"];
  return host !== undefined && origin.endsWith(`://${String(host)}`);
}
