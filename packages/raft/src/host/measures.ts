/** Plain counters, cheap enough for the hot path; the node turns them into its metrics. */
export interface Measures {
  elections: number;
  leadershipsWon: number;
  appendBatches: number;
  appendedEntries: number;
  fsyncMsSum: number;
  fsyncCount: number;
  applyMsSum: number;
  applyCount: number;
  commitMsSum: number;
  commitCount: number;
  messagesSent: number;
  messagesReceived: number;
  snapshotsSent: number;
  snapshotsInstalled: number;
  compactions: number;
  /** Elections by what led to them: no leader was heard, or one handed over. */
  electionsTimeout: number;
  electionsTransfer: number;
  /** Leaderships that ended while this member went on; of these, for want of a quorum. */
  leadershipsLost: number;
  quorumsLost: number;
  /** Times the log or the state took so long that the disk counted as hanging. */
  diskStalls: number;
  /** Proposals turned away because too much was waiting. */
  proposalsRefused: number;
  /** Proposals taken, and their bytes. */
  proposedCount: number;
  proposedBytes: number;
  /** Read points confirmed by a quorum. */
  readRounds: number;
  /** Messages with entries to followers, and the entries in them. */
  appendMessages: number;
  appendMessageEntries: number;
  heartbeatsSent: number;
  /** Groups of entries applied; the size of the last one, and of the last batch written. */
  applyGroups: number;
  lastApplyEntries: number;
  lastAppendEntries: number;
  /** Making the state durable before the log is cut, and the cutting. */
  flushMsSum: number;
  compactMsSum: number;
  /** Whole states sent, however that ended, and installed. */
  snapshotSendMsSum: number;
  snapshotSendCount: number;
  snapshotInstallMsSum: number;
  /** Interrupted streams that went on where they had been. */
  snapshotResumes: number;
  /** Of the last state installed, from its acceptance on. */
  lastInstallMs: number;
  /** Fixing a point of the state, to send or to keep. */
  snapshotOpenMsSum: number;
  snapshotOpenCount: number;
  /** The state at work: applying, and making durable. */
  machineMsSum: number;
  /** Read points asked for. */
  barriers: number;
  /** From asking a server for its vote, or its preliminary one, until its answer. */
  voteMsSum: number;
  voteCount: number;
  preVoteMsSum: number;
  preVoteCount: number;
  /** From another server's message until the answer leaves: to entries, heartbeats, and questions for a vote. */
  answeredAppendMsSum: number;
  answeredAppendCount: number;
  answeredHeartbeatMsSum: number;
  answeredHeartbeatCount: number;
  answeredVoteMsSum: number;
  answeredVoteCount: number;
}

export function createMeasures(): Measures {
  return {
    elections: 0,
    leadershipsWon: 0,
    appendBatches: 0,
    appendedEntries: 0,
    fsyncMsSum: 0,
    fsyncCount: 0,
    applyMsSum: 0,
    applyCount: 0,
    commitMsSum: 0,
    commitCount: 0,
    messagesSent: 0,
    messagesReceived: 0,
    snapshotsSent: 0,
    snapshotsInstalled: 0,
    compactions: 0,
    electionsTimeout: 0,
    electionsTransfer: 0,
    leadershipsLost: 0,
    quorumsLost: 0,
    diskStalls: 0,
    proposalsRefused: 0,
    proposedCount: 0,
    proposedBytes: 0,
    readRounds: 0,
    appendMessages: 0,
    appendMessageEntries: 0,
    heartbeatsSent: 0,
    applyGroups: 0,
    lastApplyEntries: 0,
    lastAppendEntries: 0,
    flushMsSum: 0,
    compactMsSum: 0,
    snapshotSendMsSum: 0,
    snapshotSendCount: 0,
    snapshotInstallMsSum: 0,
    snapshotResumes: 0,
    lastInstallMs: 0,
    snapshotOpenMsSum: 0,
    snapshotOpenCount: 0,
    machineMsSum: 0,
    barriers: 0,
    voteMsSum: 0,
    voteCount: 0,
    preVoteMsSum: 0,
    preVoteCount: 0,
    answeredAppendMsSum: 0,
    answeredAppendCount: 0,
    answeredHeartbeatMsSum: 0,
    answeredHeartbeatCount: 0,
    answeredVoteMsSum: 0,
    answeredVoteCount: 0,
  };
}
