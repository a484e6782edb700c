import type { ReplicationTimes, ServerHealth } from "@coffer/raft";
import type { Distribution, Metric, Row } from "./metric.js";
import type { Poll } from "./poll.js";

/** A member of the consensus thread's own metrics. */
function measure(name: string) {
  return ({ raft }: Poll) => raft?.metrics[name];
}

/** One that it keeps as a sum, or some that are added, and a count. */
function average(sums: string | readonly string[], count: string) {
  return ({ raft }: Poll): Distribution | undefined => {
    const times = raft?.metrics[count];
    if (!raft || times === undefined) return undefined;
    return { count: times, sum: [sums].flat().reduce((total, name) => total + (raft.metrics[name] ?? NaN), 0) };
  };
}

/** A measure that means something on the leader only. */
function onLeader(name: string) {
  return ({ raft }: Poll) => (raft?.status.role === "leader" ? raft.metrics[name] : undefined);
}

/** The part of the time in which it was at work: an observation a second, as in Vault, of which the sum and the count are known. */
function saturation(busyMs: string, elapsedMs: string) {
  return ({ raft }: Poll): Distribution | undefined => {
    const [busy, elapsed] = [raft?.metrics[busyMs], raft?.metrics[elapsedMs]];
    return busy === undefined || elapsed === undefined ? undefined : { count: Math.round(elapsed / 1000), sum: busy / 1000 };
  };
}

/** Some of its counters under one name, told apart by a label. */
function byLabel(label: string, names: Readonly<Record<string, string>>) {
  return ({ raft }: Poll): readonly Row<number>[] | undefined => raft && Object.entries(names).flatMap(([value, name]) => {
    const found = raft.metrics[name];
    return found === undefined ? [] : [{ labels: { [label]: value }, value: found }];
  });
}

type Status = NonNullable<Poll["raft"]>["status"];

/** Of this node, under its id. */
function own(value: (status: Status) => number) {
  return ({ raft }: Poll): readonly Row<number>[] | undefined => raft && [{ labels: { peer_id: raft.status.id }, value: value(raft.status) }];
}

/** Of each other server, as the leader sees it. */
function perFollower<Value = number>(value: (server: ServerHealth, leader: Status) => Value | undefined) {
  return ({ raft }: Poll): readonly Row<Value>[] | undefined => {
    if (raft?.status.role !== "leader") return undefined;
    return raft.status.servers.flatMap((server) => {
      const found = server.leader ? undefined : value(server, raft.status);
      return found === undefined ? [] : [{ labels: { peer_id: server.id }, value: found }];
    });
  };
}

/** Of each follower to which something was sent. */
function replication(sum: keyof ReplicationTimes, count: keyof ReplicationTimes) {
  return perFollower<Distribution>(({ replication: times }) => times && { sum: times[sum], count: times[count] });
}

/** Consensus, under Vault's names where it has one. */
export const RAFT_METRICS: readonly Metric<Poll>[] = [
  { name: "vault.raft.apply", kind: "counter", help: "Write sets proposed by this node as leader that went through the log", read: measure("commitCount") },
  { name: "vault.raft.commitTime", kind: "summary", help: "Milliseconds from a proposal on the leader until it is applied", read: average("commitMsSum", "commitCount") },
  { name: "vault.raft.fsm.apply", kind: "summary", help: "Log entries applied to the state, and the milliseconds that took", read: average("applyMsSum", "applyCount") },
  { name: "vault.raft.fsm.applyBatch", kind: "summary", help: "Milliseconds to apply a group of log entries", read: average("applyMsSum", "applyGroups") },
  { name: "vault.raft.fsm.applyBatchNum", kind: "summary", help: "Log entries applied together", read: average("applyCount", "applyGroups") },
  { name: "vault.raft.fsm.restore", kind: "summary", help: "Milliseconds to replace the state by a leader's", read: average("snapshotInstallMsSum", "snapshotsInstalled") },
  { name: "vault.raft.commitNumLogs", kind: "gauge", help: "Log entries in the group applied last", read: measure("lastApplyEntries") },
  { name: "vault.raft.compactLogs", kind: "summary", help: "Milliseconds to cut the beginning of the log", read: average("compactMsSum", "compactions") },
  { name: "vault.raft.snapshot.takeSnapshot", kind: "summary", help: "Milliseconds to make the state durable and cut the log behind it", read: average(["flushMsSum", "compactMsSum"], "compactions") },
  { name: "vault.raft.snapshot.create", kind: "summary", help: "Milliseconds to fix a point of the state, for a follower or to save; one step with vault_raft_fsm_snapshot", read: average("snapshotOpenMsSum", "snapshotOpenCount") },
  { name: "vault.raft.fsm.snapshot", kind: "summary", help: "Milliseconds to fix a point of the state, for a follower or to save", read: average("snapshotOpenMsSum", "snapshotOpenCount") },
  { name: "vault.raft.fsm.lastRestoreDuration", kind: "gauge", help: "Milliseconds that the last replacing of the state by a leader's took, receiving it included", read: ({ raft }) => (raft?.metrics["snapshotsInstalled"] ? raft.metrics["lastInstallMs"] : undefined) },
  { name: "vault.raft.thread.main.saturation", kind: "summary", help: "Part of each second in which the thread of consensus was at work", read: saturation("loopActiveMs", "loopElapsedMs") },
  { name: "vault.raft.thread.fsm.saturation", kind: "summary", help: "Part of each second in which the state was applied to or made durable", read: saturation("machineMsSum", "elapsedMs") },
  { name: "vault.raft.snapshot.persist", kind: "summary", help: "Milliseconds to make the state durable before the log is cut", read: average("flushMsSum", "compactions") },
  { name: "vault.raft.restore", kind: "counter", help: "Times a leader's state replaced this node's", read: measure("snapshotsInstalled") },
  { name: "vault.raft.rpc.installSnapshot", kind: "summary", help: "Milliseconds to receive and install a leader's state", read: average("snapshotInstallMsSum", "snapshotsInstalled") },
  { name: "vault.raft.rpc.appendEntries", kind: "summary", help: "Milliseconds from a leader's log entries until they are on disk and the answer leaves; of the messages on their way one is timed", read: average("answeredAppendMsSum", "answeredAppendCount") },
  { name: "vault.raft.rpc.processHeartbeat", kind: "summary", help: "Milliseconds from a leader's heartbeat until the answer leaves", read: average("answeredHeartbeatMsSum", "answeredHeartbeatCount") },
  { name: "vault.raft.rpc.requestVote", kind: "summary", help: "Milliseconds from a candidate's question, preliminary ones included, until the answer leaves", read: average("answeredVoteMsSum", "answeredVoteCount") },
  { name: "vault.raft.candidate.electSelf", kind: "summary", help: "Milliseconds from asking a server for its vote until its answer", read: average("voteMsSum", "voteCount") },
  { name: "vault.raft.candidate.preElectSelf", kind: "summary", help: "Milliseconds from asking a server whether it would vote until its answer", read: average("preVoteMsSum", "preVoteCount") },
  { name: "vault.raft.replication.installSnapshot", kind: "summary", help: "Milliseconds to send the state to a follower, to its end or its failure; on the leader", read: average("snapshotSendMsSum", "snapshotSendCount") },
  { name: "vault.raft.barrier", kind: "counter", help: "Times this node waited until all that was committed is applied to its state, as each linearizable read does", read: measure("barriers") },
  { name: "vault.raft.verify_leader", kind: "counter", help: "Read points of this node that a quorum confirmed", read: measure("readRounds") },
  { name: "vault.raft.transition.heartbeat_timeout", kind: "counter", help: "Times this node campaigned because it had heard no leader", read: measure("electionsTimeout") },
  { name: "vault.raft.transition.leader_lease_timeout", kind: "counter", help: "Times this node stepped down because it did not reach a quorum", read: measure("quorumsLost") },
  { name: "vault.raft.leader.dispatchNumLogs", kind: "gauge", help: "Log entries in the batch made durable last", read: measure("lastAppendEntries") },
  { name: "vault.raft.leader.oldestLogAge", kind: "gauge", help: "Milliseconds since the oldest entry in the log was written, or since this node started with it; within a second, on the leader", read: onLeader("oldestLogAgeMs") },
  { name: "vault.raft-storage.entry_size", kind: "summary", help: "Bytes of a proposed log entry", read: average("proposedBytes", "proposedCount") },
  { name: "vault.raft-storage.transaction", kind: "summary", help: "Milliseconds from proposing a write set, which is one log entry, until it is applied; on the leader", read: average("commitMsSum", "commitCount") },
  { name: "vault.raft.leader.lastContact", kind: "summary", help: "Milliseconds since the leader heard from a follower, looked at every ten seconds and at each scrape; on the leader", read: ({ raft, measured }) => (raft?.status.role === "leader" ? measured.lastContact : undefined) },
  { name: "vault.raft.leader.dispatchLog", kind: "summary", help: "Milliseconds to write a batch of log entries durably", read: average("fsyncMsSum", "fsyncCount") },
  { name: "vault.raft.replication.appendEntries.log", kind: "summary", help: "Log entries in each message to a follower; on the leader", read: average("appendMessageEntries", "appendMessages") },
  { name: "vault.raft.replication.appendEntries.logs", kind: "summary", help: "Log entries in each message to the follower; on the leader", read: replication("appendEntries", "appendMessages") },
  { name: "vault.raft.replication.appendEntries.rpc", kind: "summary", help: "Milliseconds from sending log entries to the follower until it has them on disk; on the leader", read: replication("appendMsSum", "appendCount") },
  { name: "vault.raft.replication.heartbeat", kind: "summary", help: "Milliseconds from sending a heartbeat to the follower until its answer; on the leader", read: replication("heartbeatMsSum", "heartbeatCount") },
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
  { name: "coffer.raft.election_causes", kind: "counter", help: "What made this node campaign: no leader was heard (timeout), or one handed over (transfer)", read: byLabel("cause", { timeout: "electionsTimeout", transfer: "electionsTransfer" }) },
  { name: "coffer.raft.leaderships_lost", kind: "counter", help: "Leaderships of this node that ended while it went on", read: measure("leadershipsLost") },
  { name: "coffer.raft.disk_stalls", kind: "counter", help: "Times the log or the state took so long that the disk counted as hanging", read: measure("diskStalls") },
  { name: "coffer.raft.proposals_refused", kind: "counter", help: "Proposals turned away (503) because too much was waiting", read: measure("proposalsRefused") },
  { name: "coffer.raft.queue_bytes", kind: "gauge", help: "Bytes that wait for a socket to a follower", read: measure("queuedBytes") },
  { name: "coffer.raft.unwritten_entries", kind: "gauge", help: "Log entries that wait for this node's disk", read: measure("unwrittenEntries") },
  { name: "coffer.raft.log_bytes", kind: "gauge", help: "Bytes of the entries in the log, within a MiB", read: measure("logBytes") },
  { name: "coffer.raft.sent_bytes", kind: "counter", help: "Bytes of messages to other servers, states apart", read: measure("sentBytes") },
  { name: "coffer.raft.heartbeats_sent", kind: "counter", help: "Heartbeats to followers", read: measure("heartbeatsSent") },
  { name: "coffer.raft.snapshot_resumes", kind: "counter", help: "Interrupted transfers of a state that went on where they had been", read: measure("snapshotResumes") },
  { name: "coffer.raft.pending_proposals", kind: "gauge", help: "Proposals waiting to be applied", read: measure("pendingProposals") },
  { name: "coffer.raft.pending_bytes", kind: "gauge", help: "Their bytes", read: measure("pendingBytes") },
  { name: "coffer.raft.messages_sent", kind: "counter", help: "Messages to other servers", read: measure("messagesSent") },
  { name: "coffer.raft.messages_received", kind: "counter", help: "Messages from other servers", read: measure("messagesReceived") },
  { name: "coffer.raft.snapshots_sent", kind: "counter", help: "Snapshots sent to servers that had fallen behind", read: measure("snapshotsSent") },
  { name: "coffer.raft.snapshots_installed", kind: "counter", help: "Snapshots that replaced this node's state", read: measure("snapshotsInstalled") },
  { name: "coffer.raft.compactions", kind: "counter", help: "Times the log was cut", read: measure("compactions") },
  { name: "coffer.raft.log_entries", kind: "gauge", help: "Entries in the log", read: ({ raft }) => raft && Math.max(0, raft.status.lastIndex - raft.status.firstIndex + 1) },
];
