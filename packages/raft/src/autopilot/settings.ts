/** Vault's settings of the same names; times in milliseconds. */
export interface AutopilotSettings {
  /** Whether servers that are gone for good are removed. */
  readonly cleanupDeadServers: boolean;
  /** Longest silence of a healthy server. */
  readonly lastContactThresholdMs: number;
  /** Silence after which a server is gone for good. */
  readonly deadServerLastContactThresholdMs: number;
  /** Log entries that a healthy server may be behind. */
  readonly maxTrailingLogs: number;
  /** Voters that cleaning up leaves in any case. */
  readonly minQuorum: number;
  /** How long a server must have been healthy before it gets its vote. */
  readonly serverStabilizationMs: number;
}

/** Vault's defaults. */
export const AUTOPILOT_DEFAULTS: AutopilotSettings = Object.freeze({
  cleanupDeadServers: false,
  lastContactThresholdMs: 10_000,
  deadServerLastContactThresholdMs: 24 * 3_600_000,
  maxTrailingLogs: 1000,
  minQuorum: 0,
  serverStabilizationMs: 10_000,
});
