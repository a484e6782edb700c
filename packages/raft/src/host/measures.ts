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
  };
}
