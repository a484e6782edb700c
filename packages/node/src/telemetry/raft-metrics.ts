import type { ServerHealth } from "@coffer/raft";
import type { Distribution, Metric, Row } from "./metric.js";
import type { Poll } from "./poll.js";

/** A member of the consensus thread's own metrics. */
function measure(name: string) {
  return ({ raft }: Poll) => raft?.metrics[name];
}

/** One that it keeps as a sum and a count. */
function average(sum: string, count: string) {
  return ({ raft }: Poll): Distribution | undefined => {
    const [total, times] = [raft?.metrics[sum], raft?.metrics[count]];
    return total === undefined || times === undefined ? undefined : { count: times, sum: total };
  };
}

type Status = NonNullable<Poll["raft"]>["status"];

/** Of this node, under its id. */
function own(value: (status: Status) => number) {
  return ({ raft }: Poll): readonly Row<number>[] | undefined => raft && [{ labels: { peer_id: raft.status.id }, value: value(raft.status) }];
}

/** Of each other server, as the leader sees it. */
function perFollower(value: (server: ServerHealth, leader: Status) => number | undefined) {
  return ({ raft }: Poll): readonly Row<number>[] | undefined => {
    if (raft?.status.role !== "leader") return undefined;
    return raft.status.servers.flatMap((server) => {
      const found = server.leader ? undefined : value(server, raft.status);
      return found === undefined ? [] : [{ labels: { peer_id: server.id }, value: found }];
    });
  };
}

/** Consensus, under Vault's names where it has one. */
export const RAFT_METRICS: readonly Metric<Poll>[] = [
  { name: "vault.raft.apply", kind: "counter", help: "Write sets proposed by this node as leader that went through the log", read: measure("commitCount") },
  { name: "vault.raft.commitTime", kind: "summary", help: "Milliseconds from a proposal on the leader until it is applied", read: average("commitMsSum", "commitCount") },
  { name: "vault.raft.fsm.apply", kind: "summary", help: "Log entries applied to the state, and the milliseconds that took", read: average("applyMsSum", "applyCount") },
  { name: "vault.raft.leader.lastContact", kind: "summary", help: "Milliseconds since the leader heard from a follower, looked at every ten seconds and at each scrape; on the leader", read: ({ raft, measured }) => (raft?.status.role === "leader" ? measured.lastContact : undefined) },
  { name: "vault.raft.leader.dispatchLog", kind: "summary", help: "Milliseconds to write a batch of log entries durably", read: average("fsyncMsSum", "fsyncCount") },
  { name: "vault.raft.replication.appendEntries.log", kind: "summary", help: "Log entries in each batch that was appended to this node's log to be, or by being, replicated", read: average("appendedEntries", "appendBatches") },
  { name: "vault.raft.state.leader", kind: "counter", help: "Times this node became leader", read: measure("leadershipsWon") },
  { name: "vault.raft.state.candidate", kind: "counter", help: "Times this node campaigned", read: measure("elections") },
  { name: "vault.raft.state.follower", kind: "counter", help: "Times this node became a follower, as far as looking every ten seconds shows", read: ({ raft, measured }) => raft && measured.timesFollower },
  { name: "vault.raft.peers", kind: "gauge", help: "Servers in the Raft configuration", read: ({ raft }) => raft?.status.configuration.servers.length },
  { name: "vault.raft_storage.stats.term", kind: "gauge", help: "Raft term", read: own(({ term }) => term) },
  { name: "vault.raft_storage.stats.commit_index", kind: "gauge", help: "Last log index known to be committed", read: own(({ commitIndex }) => commitIndex) },
  { name: "vault.raft_storage.stats.applied_index", kind: "gauge", help: "Last log index applied to the state", read: own(({ appliedIndex }) => appliedIndex) },
  { name: "vault.raft_storage.stats.fsm_pending", kind: "gauge", help: "Committed log entries that are not applied yet", read: own(({ commitIndex, appliedIndex }) => Math.max(0, commitIndex - appliedIndex)) },
  { name: "vault.raft_storage.follower.applied_index_delta", kind: "gauge", help: "Log entries that the leader applied and the follower has not confirmed to hold", read: perFollower(({ matchIndex }, leader) => Math.max(0, leader.appliedIndex - matchIndex)) },
  { name: "vault.raft_storage.follower.last_heartbeat_ms", kind: "gauge", help: "Milliseconds since the leader heard from the follower", read: perFollower(({ lastContactMs }) => lastContactMs) },
  { name: "vault.autopilot.healthy", kind: "gauge", help: "1 if all servers are healthy, else 0; on the leader", read: ({ autopilot }) => autopilot?.healthy },
  { name: "vault.autopilot.failure_tolerance", kind: "gauge", help: "Healthy voters that may fail without losing the quorum; on the leader", read: ({ autopilot }) => autopilot?.failureTolerance },
  { name: "vault.autopilot.node.healthy", kind: "gauge", help: "1 if the server is healthy, else 0; on the leader", read: ({ autopilot }) => autopilot?.nodes.map(({ id, healthy }) => ({ labels: { node_id: id }, value: Number(healthy) })) },
  { name: "coffer.raft.fsync", kind: "summary", help: "Milliseconds to make a batch of the log durable", read: average("fsyncMsSum", "fsyncCount") },
  { name: "coffer.raft.append_batch_entries", kind: "summary", help: "Log entries made durable together", read: average("appendedEntries", "appendBatches") },
  { name: "coffer.raft.elections", kind: "counter", help: "Election rounds this node began, preliminary ones included", read: measure("elections") },
  { name: "coffer.raft.pending_proposals", kind: "gauge", help: "Proposals waiting to be applied", read: measure("pendingProposals") },
  { name: "coffer.raft.pending_bytes", kind: "gauge", help: "Their bytes", read: measure("pendingBytes") },
  { name: "coffer.raft.messages_sent", kind: "counter", help: "Messages to other servers", read: measure("messagesSent") },
  { name: "coffer.raft.messages_received", kind: "counter", help: "Messages from other servers", read: measure("messagesReceived") },
  { name: "coffer.raft.snapshots_sent", kind: "counter", help: "Snapshots sent to servers that had fallen behind", read: measure("snapshotsSent") },
  { name: "coffer.raft.snapshots_installed", kind: "counter", help: "Snapshots that replaced this node's state", read: measure("snapshotsInstalled") },
  { name: "coffer.raft.compactions", kind: "counter", help: "Times the log was cut", read: measure("compactions") },
  { name: "coffer.raft.log_entries", kind: "gauge", help: "Entries in the log", read: ({ raft }) => raft && Math.max(0, raft.status.lastIndex - raft.status.firstIndex + 1) },
];
