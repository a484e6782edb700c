import type { Readable } from "node:stream";
import type { OperationName } from "../framework/engine.js";

/** A request of the API, free of HTTP: what the node's HTTP side makes, what is forwarded, what the pipeline eats. */
export interface ApiRequest {
  /** UUID; becomes request_id. */
  readonly id: string;
  readonly operation: OperationName | "help" | "head";
  /** Without `/v1/`; never starts with `/`; may end with `/` (lists do). Percent-decoded, checked (no `..`, no control characters). */
  readonly path: string;
  /** Raw query parameters; a repeated name gives a list. */
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  /** The body's bytes, not yet parsed; empty where there is none. */
  readonly body: Uint8Array;
  /** Lower-cased. */
  readonly contentType: string;
  readonly token: string | undefined;
  /** Lower-cased names, token headers removed (an Authorization that is Basic is none), X-Vault-* included. Repeated ones joined by ", " (X-Vault-MFA by "\n"). */
  readonly headers: Readonly<Record<string, string>>;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Only for operations declared `rawBody`; then `body` is empty. */
  readonly stream?: Readable;
  /** DER. */
  readonly clientCertificate?: Uint8Array;
  /** What the client sent with it, each the issuer of the one before; never empty. */
  readonly clientIntermediates?: readonly Uint8Array[];
  /**
   * Paths that the listener it came in by serves without a token (`unauthenticated_metrics_access` and the like), such as
   * `sys/metrics`. Never set for what another node forwarded.
   */
  readonly openPaths?: readonly string[];
  /** Whether its client has gone, so that nobody waits for the answer. Absent: that is not known here (what another node forwarded). */
  readonly isAbandoned?: () => boolean;
  /** Where its path asks for no token, the listener it came in by does: for one with sudo. */
  readonly tokenOnly?: true;
  /** Node that forwarded it here, if any. */
  readonly forwardedFrom?: string;
}

export interface ApiResponse {
  readonly status: number;
  /** Beyond those every response carries. Names as they go on the wire. */
  readonly headers: Readonly<Record<string, string>>;
  /** `application/json` exactly, for JSON. Empty where there is no body. */
  readonly contentType: string;
  readonly body: Uint8Array | string | Readable | null;
  /** Log index the answer reflects; X-Vault-Index is made from it. */
  readonly index: number;
}

/** What a node makes of a request. `forward`: only the active node can answer (a write on a standby). */
export type Handled =
  /** `isCommitted`: by an entry of the log, which a node that leads no more could not have added. */
  | { readonly kind: "response"; readonly response: ApiResponse; readonly isCommitted?: true }
  | { readonly kind: "forward"; readonly reason: "write" | "active-only" | "stale" | "asked" };
