import type { ApiRequest, ApiResponse, CorsConfig } from "@coffer/state-machine";

/** What the HTTP side serves: everything about a request that is not HTTP. */
export interface ApiApplication {
  /** Whether this request's body is handed over as a stream (`ApiRequest.stream`) instead of bytes: snapshot restore. */
  takesStream(request: Pick<ApiRequest, "path" | "operation">): boolean;
  /** Never rejects: failures are answers. Not a promise where the answer is there at once. */
  handle(request: ApiRequest): ApiResponse | Promise<ApiResponse>;
  /** Which pages of other origins may call. Read anew for each request that names an origin. */
  cors(): CorsConfig;
  /** Value of X-Vault-Index for a log index; empty for none (sealed). */
  stateHeader(index: number): string;
  /** Carried by every answer, such as X-Vault-Raft-Node-ID. Read once, when a listener starts. */
  readonly headers: Readonly<Record<string, string>>;
  /** Told when a request begins and ends; for sys/in-flight-req and metrics. */
  readonly requests: RequestObserver;
}

export interface RequestObserver {
  /**
   * Cheap: called for every request that makes sense (the others are refused before they are one), before its body is there.
   * Returns what is called once, with the status, when its answer is out or cannot be any more.
   */
  begin(request: ApiRequest): (status: number) => void;
}
