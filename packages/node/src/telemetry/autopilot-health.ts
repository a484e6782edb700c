import type { RaftStatus } from "@coffer/raft";

export interface AutopilotThresholds {
  readonly lastContactMs: number;
  /** Log entries. */
  readonly maxTrailingLogs: number;
}

/** Vault's defaults. */
export const DEFAULT_THRESHOLDS: AutopilotThresholds = { lastContactMs: 10_000, maxTrailingLogs: 1000 };

export interface AutopilotHealth {
  readonly healthy: boolean;
  /** Voters that may fail without losing the quorum. */
  readonly failureTolerance: number;
  readonly nodes: readonly { readonly id: string; readonly healthy: boolean }[];
}

/** Undefined on a node that is not the leader: it does not hear from the others. */
export function autopilotHealth({ role, servers, lastIndex }: RaftStatus, { lastContactMs, maxTrailingLogs }: AutopilotThresholds): AutopilotHealth | undefined {
  if (role !== "leader") return undefined;
  const judged = servers.map((server) => ({
    id: server.id,
    voter: server.voter,
    healthy: server.leader || (server.lastContactMs !== undefined && server.lastContactMs <= lastContactMs && lastIndex - server.matchIndex <= maxTrailingLogs),
  }));
  const voters = judged.filter((server) => server.voter);
  const quorum = Math.floor(voters.length / 2) + 1;
  return {
    healthy: judged.length > 0 && judged.every((server) => server.healthy),
    failureTolerance: Math.max(0, voters.filter((server) => server.healthy).length - quorum),
    nodes: judged.map(({ id, healthy }) => ({ id, healthy })),
  };
}
