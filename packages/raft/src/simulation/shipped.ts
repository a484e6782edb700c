import { createCore } from "../core/core.js";
import { runHost } from "../host/host.js";
import { prepareLog } from "../host/opening.js";
import { readLog } from "../log/durable-log.js";

/** The code that is simulated: what ships, or a copy of it with a mistake. */
export interface Shipped {
  readonly createCore: typeof createCore;
  readonly runHost: typeof runHost;
  readonly prepareLog: typeof prepareLog;
  readonly readLog: typeof readLog;
}

export const SHIPPED: Shipped = { createCore, runHost, prepareLog, readLog };
