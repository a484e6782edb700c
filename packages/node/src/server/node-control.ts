import { hostname } from "node:os";
import type { ApiRequest, ClusterInfo, NodeControl } from "@coffer/state-machine";
import type { Configuration } from "../configuration/types.js";
import type { RequestObserver } from "../http/application.js";
import { createInFlight } from "../http/in-flight.js";
import type { Member } from "../lifecycle/member.js";
import type { Logging } from "../logging/logger.js";
import { createTelemetry, hostInfo } from "../telemetry/index.js";
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
}

/** What sys/ shows of this node, and what measures it. */
export interface ObservedNode {
  readonly node: NodeControl;
  readonly requests: RequestObserver;
  stop(): void;
}

const LOGIN = /^auth\/[^/]+(?:\/.+)?\/login(?:\/|$)/;

export function createNodeControl({ configuration, logging, service, member, isActive, clusterInfo }: NodeControlOptions): ObservedNode {
  const { barrier, audit, env } = service;
  const inFlight = createInFlight(env.now);
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
    counts: async () => ({}),
    inFlight: () => running,
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
      telemetry.observe(LOGIN.test(request.path) ? "login" : "request", performance.now() - since);
    };
  }

  return {
    requests: { begin },
    node: {
      version: API_VERSION,
      buildDate: BUILD_DATE,
      clusterName: () => clusterInfo().name,
      clusterId: () => clusterInfo().id,
      hostInfo,
      inFlight: () => ({ ...inFlight.list() }),
      loggers: () => logging.levels(),
      setLogLevel: (name, level) => logging.setLevel(name, level),
      prometheus: () => telemetry.prometheus(),
      metricsJson: () => telemetry.json(),
      sanitizedConfig: () => sanitizedConfiguration(configuration),
    },
    stop: () => telemetry.stop(),
  };
}
