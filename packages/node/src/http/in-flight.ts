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

/** A ring: a map's table would be made anew every few requests, which costs more than all else done here. */
interface Entry {
  readonly request: ApiRequest | undefined;
  /** Milliseconds since 1970. */
  readonly since: number;
  previous: Entry;
  next: Entry;
}

/** Remembers which requests are being worked on. `now` gives milliseconds since 1970. */
export function createInFlight(now: () => number): InFlight {
  const ring = { request: undefined, since: 0 } as Entry;
  ring.previous = ring.next = ring;
  return {
    begin(request) {
      const entry: Entry = { request, since: now(), previous: ring.previous, next: ring };
      ring.previous = ring.previous.next = entry;
      return () => {
        entry.previous.next = entry.next;
        entry.next.previous = entry.previous;
        // An entry that the collector has moved to the old generation would keep all that came after it.
        entry.previous = entry.next = ring;
      };
    },
    list() {
      const rows: Record<string, InFlightRequest> = {};
      for (let { request, since, next } = ring.next; request; { request, since, next } = next) rows[request.id] = row(request, since);
      return rows;
    },
  };
}

function row({ path, operation, remoteAddress, remotePort }: ApiRequest, since: number): InFlightRequest {
  const host = remoteAddress.includes(":") ? `[${remoteAddress}]` : remoteAddress;
  return { start_time: new Date(since).toISOString(), client_remote_address: `${host}:${remotePort}`, request_path: `/v1/${path}`, request_method: METHOD[operation], client_id: "" };
}
