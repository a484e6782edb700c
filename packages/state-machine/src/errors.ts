/**
 * Errors that a caller of the API sees. A code is stable; the table below gives the HTTP status, so text is never matched.
 */
export const ERROR_STATUS = Object.freeze({
  invalid_request: 400,
  /** A login whose credentials are wrong for somebody who exists: it counts towards their lockout. */
  invalid_credentials: 400,
  /** A login as somebody who does not exist: told, and timed, like the one before. */
  unknown_user: 400,
  missing_token: 403,
  permission_denied: 403,
  not_found: 404,
  unsupported_operation: 405,
  stale_index: 412,
  too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  /** Nobody reads it: the client has gone before anything was done. */
  client_gone: 499,
  internal: 500,
  not_implemented: 501,
  upstream_failed: 502,
  sealed: 503,
  no_active_node: 503,
  overloaded: 503,
} as const);

export type ErrorCode = keyof typeof ERROR_STATUS;

/**
 * Thrown by handlers and pipeline stages to end a request with an answer for the caller. Nothing of the request is
 * written. `messages` become the `errors` list of the body and must never hold a secret.
 */
export class RequestError extends Error {
  readonly code: ErrorCode;
  readonly messages: readonly string[];
  /** Body members beside `errors`, for the few answers that carry both (a deleted KV version, a miss with warnings). */
  readonly extra?: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, messages: string | readonly string[], extra?: Readonly<Record<string, unknown>>) {
    const list = typeof messages === "string" ? [messages] : messages;
    super(list.join("; "));
    this.name = "RequestError";
    this.code = code;
    this.messages = list;
    if (extra) this.extra = extra;
  }

  get status(): number {
    return ERROR_STATUS[this.code];
  }
}

/** 400 with the given text. */
export function invalid(message: string): RequestError {
  return new RequestError("invalid_request", message);
}

/** 400 that counts towards the lockout of who tried to log in (see `loginAs` of an operation). */
export function wrongCredentials(message: string): RequestError {
  return new RequestError("invalid_credentials", message);
}

/** 400 for a login as somebody who does not exist. It counts for nobody, and costs the write that a wrong password costs. */
export function unknownUser(message: string): RequestError {
  return new RequestError("unknown_user", message);
}

/** 403, worded as Vault words it. */
export function denied(): RequestError {
  return new RequestError("permission_denied", "permission denied");
}
