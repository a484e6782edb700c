import type { Family } from "./metric.js";
import { createTimings } from "./timings.js";
import type { Timings } from "./timings.js";

/** How long requests take, by operation and mount. */
export interface Routes {
  record(operation: string, mountPath: string, milliseconds: number): void;
  read(): readonly Family[];
  roll(nowMs: number): void;
}

/** One for each operation on each mount; what comes after that many is not measured. About 70 kB each. */
export const MAX_ROUTES = 256;

/** Vault puts operation and mount into the metric's name: `vault.route.read.secret-`. */
export function createRoutes(windowMs: number, now: () => number): Routes {
  const byOperation = new Map<string, Map<string, Timings>>();
  // Two mounts can have one name in Prometheus (`a-b/`, `a_b/`): they share its numbers, as in Vault.
  const byName = new Map<string, { readonly name: string; readonly timings: Timings }>();

  function add(operation: string, mountPath: string): Timings | undefined {
    const name = `vault.route.${operation}.${mountPath.replaceAll("/", "-")}`;
    const key = name.replace(/\W/g, "_");
    let route = byName.get(key);
    if (!route) {
      if (byName.size >= MAX_ROUTES) return undefined;
      route = { name, timings: createTimings(windowMs, now()) };
      byName.set(key, route);
    }
    const mounts = byOperation.get(operation) ?? new Map<string, Timings>();
    byOperation.set(operation, mounts);
    mounts.set(mountPath, route.timings);
    return route.timings;
  }

  return {
    record(operation, mountPath, milliseconds) {
      (byOperation.get(operation)?.get(mountPath) ?? add(operation, mountPath))?.record(milliseconds);
    },
    read: () => [...byName.values()].map(({ name, timings }) => ({ name, kind: "summary", help: "Milliseconds that this operation takes on this mount", rows: [{ labels: {}, value: timings.read() }] })),
    roll: (nowMs) => byName.forEach(({ timings }) => timings.roll(nowMs)),
  };
}
