import type { CoreStatus } from "../core/api.js";
import type { Configuration, Entry, LogIndex, LogReader, NodeId } from "../core/types.js";
import type { RaftStatus, ReplicationTimes } from "./api.js";

export function addressOf(id: NodeId | undefined, configuration: Configuration): string | undefined {
  return configuration.servers.find((server) => server.id === id)?.address;
}

/** `unstable`: what the core has in hand that is not in the log yet. */
export function toStatus(id: NodeId, status: CoreStatus, log: Pick<LogReader, "firstIndex" | "term">, unstable: readonly Entry[], tickMs: number, replicationOf: (id: NodeId) => ReplicationTimes | undefined = () => undefined): RaftStatus {
  const termOf = (index: LogIndex) => unstable[index - (unstable[0]?.index ?? 0)]?.term ?? log.term(index) ?? 0;
  return {
    id,
    role: status.role,
    leader: status.leader,
    leaderAddress: addressOf(status.leader, status.configuration),
    term: status.term,
    commitIndex: status.commitIndex,
    appliedIndex: status.appliedIndex,
    lastIndex: status.lastIndex,
    firstIndex: log.firstIndex(),
    configuration: status.configuration,
    configurationIndex: status.configurationIndex,
    servers: status.configuration.servers.map((server) => {
      const peer = status.peers.find((one) => one.id === server.id);
      const isSelf = server.id === id;
      const replication = peer && replicationOf(server.id);
      const matchIndex = isSelf ? status.lastIndex : (peer?.matchIndex ?? 0);
      return {
        ...server,
        leader: server.id === status.leader,
        matchIndex,
        lastTerm: termOf(matchIndex),
        lastContactMs: isSelf ? 0 : peer ? peer.silentTicks * tickMs : undefined,
        ...(replication && { replication }),
      };
    }),
  };
}
