import type { AutopilotSettings } from "./settings.js";
import { quorumOf } from "./state.js";
import type { AutopilotState, JudgedServer } from "./state.js";

/**
 * Servers that shall vote now: those that joined for a vote and have been healthy for the stabilisation time. A leader that
 * has not been looking for so long itself takes the healthy ones, as Vault does: a new cluster need not wait.
 */
export function serversToPromote(state: AutopilotState, settings: AutopilotSettings, isForVote: (id: string) => boolean, now: number): readonly JudgedServer[] {
  const needed = now - state.since > settings.serverStabilizationMs * 1.1 ? settings.serverStabilizationMs : 0;
  return state.servers.filter((server) => !server.voter && server.healthy && now - server.stableSince >= needed && isForVote(server.id));
}

/**
 * The one server to remove next, if any: never the leader, and only one that was silent for the whole threshold. Those
 * without a vote go first. A voter goes only where `minQuorum` voters remain, and where those that are well are a quorum
 * both of the voters there are and of those that remain. One at a time: the next is judged by what the removal left.
 */
export function serverToRemove(state: AutopilotState, settings: AutopilotSettings): JudgedServer | undefined {
  if (!settings.cleanupDeadServers) return undefined;
  const isDead = (server: JudgedServer) => !server.leader && server.lastContactMs > settings.deadServerLastContactThresholdMs;
  const spare = state.servers.find((server) => !server.voter && isDead(server));
  if (spare) return spare;
  const voters = state.servers.filter((server) => server.voter);
  const left = voters.length - 1;
  const well = voters.filter((server) => server.healthy).length;
  if (left < settings.minQuorum || well < quorumOf(voters.length) || well < quorumOf(left)) return undefined;
  return voters.find(isDead);
}
