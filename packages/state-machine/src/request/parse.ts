import { parseDuration } from "@coffer/hcl";
import { invalid, RequestError } from "../errors.js";
import { isPlainObject, parseDocument } from "../framework/document.js";
import type { OperationName } from "../framework/engine.js";
import type { ApiRequest } from "./api.js";

type Body = Readonly<Record<string, unknown>>;

/** As Vault's `max_request_size`; a listener may allow less. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const decoder = new TextDecoder("utf-8", { fatal: true });
const NOTHING: Body = Object.freeze({});

/** A write's body, or else the query, as one map of values. Throws RequestError 400, 413, 415. */
export function parseBody(request: ApiRequest, operation: OperationName): Body {
  if (operation === "read" || operation === "list" || operation === "scan" || operation === "delete") return queryValues(request);
  if (request.path.endsWith("/")) throw invalid("cannot write to a path ending in '/'");
  if (operation === "patch" && !/^application\/merge-patch\+json\s*(;|$)/i.test(request.contentType)) {
    throw new RequestError("unsupported_media_type", `PATCH requires Content-Type of application/merge-patch+json, provided ${request.contentType || "none"}`);
  }
  if (request.body.length === 0) return NOTHING;
  if (request.body.length > MAX_BODY_BYTES) throw new RequestError("too_large", "the request body is too large");
  const text = decodeText(request.body);
  if (/^application\/x-www-form-urlencoded/i.test(request.contentType) && !/^\s*[{[]/.test(text)) return formValues(text);
  const parsed = parseDocument(text);
  if (parsed === null) return NOTHING;
  if (!isPlainObject(parsed)) throw invalid("failed to parse JSON input: the body must be a JSON object");
  return parsed;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw invalid("the body is not valid UTF-8");
  }
}

/** Parameters that steer the request itself are not the engine's. */
const STEERING = new Set(["help", "list", "scan"]);

function queryValues({ query }: ApiRequest): Body {
  let values: Record<string, unknown> | undefined;
  for (const name in query) {
    if (STEERING.has(name)) continue;
    values ??= Object.create(null) as Record<string, unknown>;
    values[name] = query[name];
  }
  return values ?? NOTHING;
}

function formValues(text: string): Body {
  const values: Record<string, unknown> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) values[name] = name in values ? `${String(values[name])},${value}` : value;
  return values;
}

/** Seconds of X-Vault-Wrap-TTL; 0 without it. */
export function parseWrapTtl(request: ApiRequest): number {
  const header = request.headers["x-vault-wrap-ttl"];
  if (header === undefined || header === "") return 0;
  const seconds = parseDuration(header);
  if (seconds === undefined || !Number.isFinite(seconds)) throw invalid(`error parsing X-Vault-Wrap-TTL header: time: invalid duration ${JSON.stringify(header)}`);
  if (seconds < 0) throw invalid("error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative");
  return Math.floor(seconds);
}
