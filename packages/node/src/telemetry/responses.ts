import type { RequestObserver } from "../http/application.js";
import type { Row } from "./metric.js";

const HIGHEST_STATUS = 599;

/** Counts answers by their HTTP status. */
export interface Responses {
  readonly observer: RequestObserver;
  read(): readonly Row<number>[];
}

export function createResponses(): Responses {
  const counts = new Float64Array(HIGHEST_STATUS + 1);
  // One function for all requests: nothing is made for each.
  const end = (status: number) => {
    if (status >= 100 && status <= HIGHEST_STATUS) counts[status]! += 1;
  };
  return {
    observer: { begin: () => end },
    read: () => [...counts.entries()].filter(([, value]) => value > 0).map(([status, value]) => ({ labels: { code: String(status), type: `${Math.floor(status / 100)}xx` }, value })),
  };
}
