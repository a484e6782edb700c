import type { RaftStatus } from "@coffer/raft";
import type { StoreCounts } from "@coffer/state-machine";
import type { Telemetry as TelemetrySettings } from "../configuration/types.js";
import type { RequestObserver } from "../http/application.js";
import type { AutopilotThresholds } from "./autopilot-health.js";
import type { TokenCreation } from "./token-creations.js";

/** What the state machine can count. Members that are not known are left out, and so are their metrics. */
export interface Counts {
  readonly leases?: number;
  readonly irrevocableLeases?: number;
  readonly tokens?: number;
  readonly tokensByPolicy?: Readonly<Record<string, number>>;
  readonly entities?: number;
  readonly mounts?: { readonly secret: number; readonly auth: number };
  readonly kvSecrets?: readonly { readonly mountPoint: string; readonly count: number }[];
}

export interface AuditCounts {
  /** Records given to the audit devices. */
  readonly requests: number;
  readonly failures: number;
  /** Spent writing them, where it is measured. */
  readonly milliseconds?: number;
}

export interface RaftPoll {
  readonly status: RaftStatus;
  /** Those of the consensus member, by its own names. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** One auto seal's use since the start, and whether it can be used now. */
export interface SealUse {
  readonly name: string;
  readonly healthy: boolean;
  readonly encrypt: SealCalls;
  readonly decrypt: SealCalls;
}

export interface SealCalls {
  readonly count: number;
  readonly errors: number;
  readonly milliseconds: number;
}

/** The polls run at every scrape and every ten seconds: they must be cheap. One that fails or hangs costs its metrics only. */
export interface TelemetryOptions {
  readonly configuration: TelemetrySettings;
  readonly hostname: string;
  readonly clusterName: () => string;
  readonly state: () => { readonly sealed: boolean; readonly active: boolean };
  /** Undefined: not started. */
  readonly raft: () => Promise<RaftPoll | undefined>;
  readonly audit: () => AuditCounts;
  readonly counts: () => Promise<Counts>;
  readonly inFlight: () => number;
  /** What went through the barrier. */
  readonly storage?: () => Readonly<StoreCounts>;
  /** The auto seals; none by default. */
  readonly seals?: () => readonly SealUse[];
  /** Default: Vault's defaults. */
  readonly autopilotThresholds?: () => AutopilotThresholds;
}

export interface Telemetry {
  /** Hot path. A request was handled; `login` for one to a login path, as Vault tells them apart. */
  observe(kind: "request" | "login", milliseconds: number): void;
  /** Hot path. `mountPath` ends in `/`. */
  observeRoute(operation: string, mountPath: string, milliseconds: number): void;
  countToken(creation: TokenCreation): void;
  /** Counts answers by status. */
  readonly requests: RequestObserver;
  /** Prometheus' text format, version 0.0.4. Throws RequestError `invalid_request` where it is not enabled. */
  prometheus(): Promise<string>;
  /** Vault's JSON: gauges, and what counters and samples gained in the last whole interval of ten seconds. */
  json(): Promise<MetricsDocument>;
  stop(): void;
}

/** The body of sys/metrics without a format, with Vault's members. */
export type MetricsDocument = Readonly<Record<string, unknown>> & {
  /** Begin of the interval, as Go prints it. */
  readonly Timestamp: string;
  readonly Gauges: readonly { readonly Name: string; readonly Value: number; readonly Labels: Readonly<Record<string, string>> }[];
  readonly Points: readonly never[];
  readonly Counters: readonly MetricsSample[];
  readonly Samples: readonly MetricsSample[];
};

export interface MetricsSample {
  readonly Name: string;
  readonly Count: number;
  /** Sum a second. */
  readonly Rate: number;
  readonly Sum: number;
  readonly Min: number;
  readonly Max: number;
  readonly Mean: number;
  readonly Stddev: number;
  readonly Labels: Readonly<Record<string, string>>;
}
