import { RequestError, errorResponse } from "@coffer/state-machine";
import type { ApiRequest, ApiResponse, RateLimiter, RateVerdict } from "@coffer/state-machine";
import type { ApiApplication } from "./application.js";

type Handle = ApiApplication["handle"];

export interface RateLimitOptions {
  readonly limiter: RateLimiter;
  readonly isSealed: () => boolean;
  readonly roleOf: (request: ApiRequest) => string | undefined;
  /** Puts a refused request on record. Never rejects. */
  readonly record: (request: ApiRequest, error: RequestError) => Promise<void>;
  readonly index: () => number;
}

/** Refuses what a rate limit does not let through, before anything else is done for it: on the node that the client asked. */
export function limitRates(handle: Handle, { limiter, isSealed, roleOf, record, index }: RateLimitOptions): Handle {
  function refuse(request: ApiRequest, headers: Readonly<Record<string, string>>): ApiResponse | Promise<ApiResponse> {
    const error = new RequestError("rate_limited", `request path ${JSON.stringify(request.path)}: rate limit quota exceeded`);
    const response = { ...errorResponse(error, index()), headers };
    return limiter.settings().auditsRefusals ? record(request, error).then(() => response) : response;
  }

  return (request) => {
    if (isSealed()) return handle(request);
    const verdict = limiter.take(request, () => roleOf(request));
    if (!verdict) return handle(request);
    const sendsHeaders = limiter.settings().sendsHeaders;
    if (!verdict.isAllowed) return refuse(request, { ...(sendsHeaders && headersOf(verdict)), "Retry-After": String(verdict.resetSeconds) });
    const handled = handle(request);
    if (!sendsHeaders) return handled;
    const extra = headersOf(verdict);
    const withHeaders = (response: ApiResponse): ApiResponse => ({ ...response, headers: { ...response.headers, ...extra } });
    return handled instanceof Promise ? handled.then(withHeaders) : withHeaders(handled);
  };
}

const headersOf = ({ limit, remaining, resetSeconds }: RateVerdict) => ({ "X-Ratelimit-Limit": String(limit), "X-Ratelimit-Remaining": String(remaining), "X-Ratelimit-Reset": String(resetSeconds) });
