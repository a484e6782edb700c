import { RequestError } from "@coffer/state-machine";
import { BARRIER_METRICS } from "./barrier-metrics.js";
import { CORE_METRICS } from "./core-metrics.js";
import { createIntervals } from "./intervals.js";
import { readMetric } from "./metric.js";
import type { Family, Labels } from "./metric.js";
import { pollNode } from "./poll.js";
import { RAFT_METRICS } from "./raft-metrics.js";
import { createResponses } from "./responses.js";
import { createRoutes } from "./routes.js";
import { RUNTIME_METRICS } from "./runtime-metrics.js";
import { watchRuntime } from "./runtime.js";
import { SEAL_METRICS } from "./seal-metrics.js";
import { createTimings } from "./timings.js";
import { createTokenCreations } from "./token-creations.js";
import type { RaftPoll, Telemetry, TelemetryOptions } from "./types.js";

/**
 * Quantiles are of the last ten to twenty seconds (Vault's: ten), for two histograms take turns at intervals of ten. A p99
 * that remembers yesterday raises no alarm today.
 */
const WINDOW_MS = 20_000;
const METRICS = [...CORE_METRICS, ...BARRIER_METRICS, ...RAFT_METRICS, ...RUNTIME_METRICS, ...SEAL_METRICS];

/** Measures from now on, until `stop`. */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { configuration, hostname } = options;
  const started = Date.now();
  const timings = { request: createTimings(WINDOW_MS, started), login: createTimings(WINDOW_MS, started), lastContact: createTimings(WINDOW_MS, started) };
  const routes = createRoutes(WINDOW_MS, Date.now);
  const responses = createResponses();
  const tokenCreations = createTokenCreations();
  const runtime = watchRuntime(WINDOW_MS, started);
  let role: RaftPoll["status"]["role"] | undefined;
  let timesFollower = 0;

  function onRaft({ status }: RaftPoll): void {
    if (status.role === "follower" && role !== "follower") timesFollower += 1;
    role = status.role;
    if (role !== "leader") return;
    for (const server of status.servers) if (!server.leader && server.lastContactMs !== undefined) timings.lastContact.record(server.lastContactMs);
  }

  async function collect(): Promise<readonly Family[]> {
    const poll = await pollNode(options, onRaft, () => ({
      request: timings.request.read(),
      login: timings.login.read(),
      lastContact: timings.lastContact.read(),
      responses: responses.read(),
      tokenCreations: tokenCreations.read(),
      timesFollower,
      runtime: runtime.read(),
    }));
    return [...METRICS.map((metric) => readMetric(metric, poll)), ...routes.read()];
  }

  const everywhere = (): Labels => ({ cluster: options.clusterName(), ...(configuration.enableHostnameLabel && { host: hostname }) });
  // The label takes the place of the prefix, as in Vault.
  const prefix = configuration.disableHostname || configuration.enableHostnameLabel ? undefined : hostname;
  const intervals = createIntervals(started, collect, () => ({ hostname: prefix, everywhere: everywhere() }), (nowMs) => {
    for (const part of [timings.request, timings.login, timings.lastContact, routes, runtime]) part.roll(nowMs);
  });

  return {
    observe: (kind, milliseconds) => (kind === "login" ? timings.login : timings.request).record(milliseconds),
    observeRoute: (operation, mountPath, milliseconds) => routes.record(operation, mountPath, milliseconds),
    countToken: (creation) => tokenCreations.count(creation),
    requests: responses.observer,
    async prometheus() {
      if (configuration.prometheusRetention === 0) throw new RequestError("invalid_request", "prometheus is not enabled");
      const families = await collect();
      const { expositionOf } = await import("./exposition.js");
      return expositionOf(families, everywhere());
    },
    json: () => intervals.document(),
    stop() {
      intervals.stop();
      runtime.stop();
    },
  };
}
