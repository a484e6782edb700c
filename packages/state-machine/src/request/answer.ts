import { Readable } from "node:stream";
import type { RequestError } from "../errors.js";
import type { PlainResponse, RawResponse } from "../framework/index.js";
import type { ApiRequest, ApiResponse, Handled } from "./api.js";
import { envelopeResponse, errorResponse, missResponse } from "./envelope.js";
import type { Sealed } from "./envelope.js";

/** What an evaluation ends with. */
export type Answer =
  | { readonly kind: "envelope"; readonly sealed: Sealed }
  | { readonly kind: "other"; readonly response: PlainResponse | RawResponse }
  | { readonly kind: "miss"; readonly warnings: readonly string[] }
  /** What was written stands, but the caller gets an error. */
  | { readonly kind: "refused"; readonly error: RequestError }
  /** Only the active node can answer. */
  | { readonly kind: "forward"; readonly reason: "write" | "active-only" };

const NO_HEADERS = Object.freeze({});

export const responded = (response: ApiResponse): Handled => ({ kind: "response", response });

/** `index`: the log index that the answer reflects. */
export function toHandled(request: ApiRequest, answer: Answer, index: number): Handled {
  switch (answer.kind) {
    case "envelope":
      return responded(envelopeResponse(request.id, answer.sealed, index));
    case "miss":
      return responded(missResponse(index, answer.warnings));
    case "refused":
      return responded(errorResponse(answer.error, index));
    case "forward":
      return answer;
    case "other":
      return responded(otherResponse(answer.response, index));
  }
}

function otherResponse(response: PlainResponse | RawResponse, index: number): ApiResponse {
  if (response.kind === "plain") return { status: response.status, headers: NO_HEADERS, contentType: "application/json", body: `${JSON.stringify(response.body)}\n`, index };
  return { status: response.status, headers: response.headers ?? NO_HEADERS, contentType: response.contentType, body: response.body, index };
}

/** An answer that must not go out: what it holds open is closed. */
export function discard(answer: Answer): void {
  if (answer.kind === "other" && answer.response.kind === "raw" && answer.response.body instanceof Readable) answer.response.body.destroy();
}
