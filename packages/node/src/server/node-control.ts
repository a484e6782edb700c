import { hostname } from "node:os";
import { autopilotConfiguration, createUsageCounter } from "@coffer/state-machine";
import type { ApiRequest, ClusterInfo, NodeControl, TokenMade } from "@coffer/state-machine";
import type { Configuration } from "../configuration/types.js";
import type { RequestObserver } from "../http/application.js";
import { createInFlight } from "../http/in-flight.js";
import type { Member } from "../lifecycle/member.js";
import type { Logging } from "../logging/logger.js";
import { profiles } from "../profiles/index.js";
import type { NodeSeals } from "../seals/index.js";
import { DEFAULT_THRESHOLDS } from "../telemetry/autopilot-health.js";
import { createTelemetry, hostInfo } from "../telemetry/index.js";
import { createMountPaths } from "./mount-paths.js";
import { sanitizedConfiguration } from "./sanitized-configuration.js";
import type { SecretsService } from "./state-machine.js";
import { API_VERSION, BUILD_DATE } from "./version.js";

export interface NodeControlOptions {
  readonly configuration: Configuration;
  readonly logging: Logging;
  readonly service: SecretsService;
  readonly member: () => Member | undefined;
  readonly isActive: () => boolean;
  readonly clusterInfo: () => ClusterInfo;
  readonly seals: Pick<NodeSeals, "all">;
}

/** What sys/ shows of this node, and what measures it. */
export interface ObservedNode {
  readonly node: NodeControl;
  readonly requests: RequestObserver;
  countToken(made: TokenMade): void;
  stop(): void;
}

const MS = 1000;
const LOGIN = /^auth\/[^/]+(?:\/.+)?\/login(?:\/|$)/;

export function createNodeControl({ configuration, logging, service, member, isActive, clusterInfo, seals }: NodeControlOptions): ObservedNode {
  const { barrier, audit, env, store } = service;
  const inFlight = createInFlight(env.now);
  const mounts = createMountPaths(store, () => barrier.sealed(), () => performance.now());
  const usage = createUsageCounter({ store, env, isSealed: () => barrier.sealed() });
  let running = 0;
  const telemetry = createTelemetry({
    configuration: configuration.telemetry,
    hostname: hostname(),
    clusterName: () => clusterInfo().name,
    state: () => ({ sealed: barrier.sealed(), active: isActive() }),
    async raft() {
      const thread = member()?.thread;
      if (!thread) return undefined;
      const [status, metrics] = await Promise.all([thread.call("status", null), thread.call("metrics", null)]);
      return { status, metrics };
    },
    audit: () => audit.counts,
    async counts() {
      const counted = mounts.counts();
      // By one node of a cluster, as in Vault: sums over all would count each three times.
      const used = isActive() ? usage.read() : undefined;
      return {
        ...(counted && { mounts: counted }),
        ...(used && { leases: used.expiring, irrevocableLeases: used.irrevocable, tokens: used.tokens, tokensByPolicy: used.tokensByPolicy }),
      };
    },
    inFlight: () => running,
    storage: () => store.counts,
    seals: () => seals.all.map(({ counts, health }) => ({ ...health(), ...counts })),
    autopilotThresholds() {
      if (barrier.sealed()) return DEFAULT_THRESHOLDS;
      const { last_contact_threshold: seconds, max_trailing_logs: maxTrailingLogs } = store.evaluate((tx) => autopilotConfiguration(tx.scoped("core/"))).value;
      return { lastContactMs: seconds * MS, maxTrailingLogs };
    },
  });

  function begin(request: ApiRequest): (status: number) => void {
    const since = performance.now();
    const forget = inFlight.begin(request);
    const count = telemetry.requests.begin(request);
    running += 1;
    return (status) => {
      running -= 1;
      forget(status);
      count(status);
      const took = performance.now() - since;
      telemetry.observe(LOGIN.test(request.path) ? "login" : "request", took);
      const mountPath = mounts.of(request.path);
      if (mountPath !== undefined) telemetry.observeRoute(request.operation, mountPath, took);
    };
  }

  return {
    requests: { begin },
    countToken: (made) => telemetry.countToken(made),
    node: {
      version: API_VERSION,
      buildDate: BUILD_DATE,
      clusterName: () => clusterInfo().name,
      clusterId: () => clusterInfo().id,
      hostInfo,
      inFlight: () => ({ ...inFlight.list() }),
      loggers: () => logging.levels(),
      setLogLevel: (name, level) => logging.setLevel(name, level),
      resetLogLevel: (name) => logging.resetLevel(name),
      monitor: (level, format) => logging.monitor(level, format),
      profiles,
      introspection: configuration.introspection,
      prometheus: () => telemetry.prometheus(),
      metricsJson: () => telemetry.json(),
      sanitizedConfig: () => sanitizedConfiguration(configuration),
    },
    stop: () => telemetry.stop(),
  };
}
