import type { ApiRequest } from "@coffer/state-machine";
import type { RequestObserver } from "./application.js";

/** One row of sys/in-flight-req. */
export interface InFlightRequest {
  /** RFC 3339. */
  readonly start_time: string;
  /** host:port. */
  readonly client_remote_address: string;
  readonly request_path: string;
  readonly request_method: string;
  /** Empty: who asks is known to the pipeline only. */
  readonly client_id: string;
}

export interface InFlight extends RequestObserver {
  /** By request id. */
  list(): Readonly<Record<string, InFlightRequest>>;
}

const METHOD: Readonly<Record<ApiRequest["operation"], string>> = Object.freeze({
  read: "GET", head: "HEAD", help: "GET", update: "PUT", patch: "PATCH", delete: "DELETE", list: "LIST", scan: "SCAN",
});

/** Remembers which requests are being worked on. `now` gives milliseconds since 1970. */
export function createInFlight(now: () => number): InFlight {
  const running = new Map<string, { readonly request: ApiRequest; readonly since: number }>();
  return {
    begin(request) {
      running.set(request.id, { request, since: now() });
      return () => void running.delete(request.id);
    },
    list: () => Object.fromEntries([...running].map(([id, { request, since }]) => [id, row(request, since)])),
  };
}

function row({ path, operation, remoteAddress, remotePort }: ApiRequest, since: number): InFlightRequest {
  const host = remoteAddress.includes(":") ? `[${remoteAddress}]` : remoteAddress;
  return { start_time: new Date(since).toISOString(), client_remote_address: `${host}:${remotePort}`, request_path: `/v1/${path}`, request_method: METHOD[operation], client_id: "" };
}
