import type { LogIndex, NodeId, Term } from "../core/types.js";
import type { RaftStatus, ServerHealth } from "../host/api.js";
import type { AutopilotSettings } from "./settings.js";

/** One server as autopilot, on the leader, judges it. */
export interface JudgedServer {
  readonly id: NodeId;
  /** host:port */
  readonly address: string;
  readonly voter: boolean;
  readonly leader: boolean;
  /** Heard of under this leader, and not silent for so long that it counts as gone. */
  readonly alive: boolean;
  readonly healthy: boolean;
  /** Milliseconds since 1970: since when it has been as healthy as it is. */
  readonly stableSince: number;
  readonly lastContactMs: number;
  readonly lastTerm: Term;
  readonly lastIndex: LogIndex;
}

export interface AutopilotState {
  readonly leader: NodeId;
  readonly term: Term;
  /** Milliseconds since 1970: since when this leader has been looking. */
  readonly since: number;
  readonly healthy: boolean;
  /** Voters that may fail at once without losing the quorum. */
  readonly failureTolerance: number;
  /** In the configuration's order. */
  readonly servers: readonly JudgedServer[];
}

export function quorumOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** The rules of Vault's autopilot: heard of lately, in the leader's term, and not far behind its log. */
function isHealthy(server: ServerHealth, alive: boolean, status: RaftStatus, settings: AutopilotSettings): boolean {
  if (server.leader) return true;
  return alive && server.lastContactMs! <= settings.lastContactThresholdMs && server.lastTerm === status.term && status.lastIndex - server.matchIndex <= settings.maxTrailingLogs;
}

/**
 * The next state after `previous`; undefined on a node that does not lead, which does not hear from the others. `now` is
 * milliseconds since 1970. What an earlier leadership saw does not count: this one has heard nobody yet.
 */
export function nextState(previous: AutopilotState | undefined, status: RaftStatus, settings: AutopilotSettings, now: number): AutopilotState | undefined {
  if (status.role !== "leader") return undefined;
  const before = previous?.term === status.term ? previous : undefined;
  const servers = status.servers.map((server): JudgedServer => {
    const lastContactMs = server.lastContactMs ?? 0;
    const alive = server.leader || (server.matchIndex > 0 && lastContactMs <= settings.deadServerLastContactThresholdMs);
    const healthy = isHealthy(server, alive, status, settings);
    const known = before?.servers.find(({ id }) => id === server.id);
    const stableSince = known?.healthy === healthy ? known.stableSince : now;
    return { id: server.id, address: server.address, voter: server.voter, leader: server.leader, alive, healthy, stableSince, lastContactMs, lastTerm: server.lastTerm, lastIndex: server.matchIndex };
  });
  const voters = servers.filter((server) => server.voter);
  return {
    leader: status.id,
    term: status.term,
    since: before?.since ?? now,
    healthy: servers.every((server) => server.healthy),
    failureTolerance: Math.max(0, voters.filter((server) => server.healthy).length - quorumOf(voters.length)),
    servers,
  };
}
