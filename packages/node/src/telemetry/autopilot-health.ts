import { AUTOPILOT_DEFAULTS, nextAutopilotState } from "@coffer/raft";
import type { RaftStatus } from "@coffer/raft";

export interface AutopilotThresholds {
  readonly lastContactMs: number;
  /** Log entries. */
  readonly maxTrailingLogs: number;
}

/** Vault's defaults. */
export const DEFAULT_THRESHOLDS: AutopilotThresholds = { lastContactMs: AUTOPILOT_DEFAULTS.lastContactThresholdMs, maxTrailingLogs: AUTOPILOT_DEFAULTS.maxTrailingLogs };

export interface AutopilotHealth {
  readonly healthy: boolean;
  /** Voters that may fail without losing the quorum. */
  readonly failureTolerance: number;
  readonly nodes: readonly { readonly id: string; readonly healthy: boolean }[];
}

/** Undefined on a node that is not the leader: it does not hear from the others. */
export function autopilotHealth(status: RaftStatus, { lastContactMs: lastContactThresholdMs, maxTrailingLogs }: AutopilotThresholds): AutopilotHealth | undefined {
  const state = nextAutopilotState(undefined, status, { ...AUTOPILOT_DEFAULTS, lastContactThresholdMs, maxTrailingLogs }, 0);
  return state && { healthy: state.healthy, failureTolerance: state.failureTolerance, nodes: state.servers.map(({ id, healthy }) => ({ id, healthy })) };
}
