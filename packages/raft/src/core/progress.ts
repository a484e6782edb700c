import type { LogIndex, NodeId } from "./types.js";

/**
 * What the leader knows of one follower. Changes only through the functions below (etcd-io/raft, tracker/progress.go, tells
 * why): `probe` sends one message and waits, `replicate` pipelines, `snapshot` sends nothing until it is installed.
 */
export interface Progress {
  readonly id: NodeId;
  match: LogIndex;
  next: LogIndex;
  state: "probe" | "replicate" | "snapshot";
  /** Last index and size of each append in flight, oldest first. */
  readonly inflight: { readonly last: LogIndex; readonly bytes: number }[];
  inflightBytes: number;
  /** probe: a message is out and unanswered. */
  paused: boolean;
  /** A periodic heartbeat is out: its answer lets one lost message be found, however many read rounds are answered meanwhile. */
  nudge: boolean;
  pendingSnapshot: LogIndex;
  /** Answered since the last quorum check. */
  recentlyActive: boolean;
  silentTicks: number;
  canLead: boolean;
  /** Highest commit index told to it. */
  commitSent: LogIndex;
  /** It was told a read index since, and cannot read before it knows of that commit. */
  wantsCommit: boolean;
  /** Highest read round it has acknowledged. */
  roundAcked: number;
  /** Until then, by the leader's clock, it helps nobody else to lead. */
  leaseUntil: number;
}

export function createProgress(id: NodeId, lastIndex: LogIndex): Progress {
  return {
    id,
    match: 0,
    next: lastIndex + 1,
    state: "probe",
    inflight: [],
    inflightBytes: 0,
    paused: false,
    nudge: false,
    pendingSnapshot: 0,
    recentlyActive: true,
    silentTicks: 0,
    canLead: true,
    commitSent: 0,
    wantsCommit: false,
    roundAcked: 0,
    leaseUntil: 0,
  };
}

export function becomeProbe(progress: Progress): void {
  const afterSnapshot = progress.state === "snapshot" ? progress.pendingSnapshot + 1 : 0;
  progress.state = "probe";
  progress.next = Math.max(progress.match + 1, afterSnapshot);
  progress.pendingSnapshot = 0;
  progress.commitSent = 0;
  clearWindow(progress);
}

export function becomeReplicate(progress: Progress): void {
  progress.state = "replicate";
  progress.next = progress.match + 1;
  progress.pendingSnapshot = 0;
  clearWindow(progress);
}

export function becomeSnapshot(progress: Progress, index: LogIndex): void {
  progress.state = "snapshot";
  progress.pendingSnapshot = index;
  clearWindow(progress);
}

function clearWindow(progress: Progress): void {
  progress.paused = false;
  progress.inflight.length = 0;
  progress.inflightBytes = 0;
}

/** Whether nothing more may be sent before an answer: the window is bounded by messages and by bytes, so that a slow peer costs the leader no memory. */
export function isBlocked(progress: Progress, maxMessages: number, maxBytes: number): boolean {
  switch (progress.state) {
    case "probe":
      return progress.paused;
    case "replicate":
      return progress.inflight.length >= maxMessages || progress.inflightBytes >= maxBytes;
    case "snapshot":
      return true;
  }
}

/** Whether the peer was heard from lately: what is costly is not begun towards a dead one. */
export function isAlive(progress: Progress, electionTicks: number): boolean {
  return progress.silentTicks < electionTicks;
}

export function appended(progress: Progress, last: LogIndex, bytes: number): void {
  if (progress.state === "probe") progress.paused = true;
  else if (last >= progress.next) {
    progress.next = last + 1;
    progress.inflight.push({ last, bytes });
    progress.inflightBytes += bytes;
  }
}

/** The follower has everything up to `index`. True when that was news. */
export function acknowledged(progress: Progress, index: LogIndex): boolean {
  let freed = 0;
  while (freed < progress.inflight.length && progress.inflight[freed]!.last <= index) progress.inflightBytes -= progress.inflight[freed++]!.bytes;
  if (freed > 0) progress.inflight.splice(0, freed);
  progress.next = Math.max(progress.next, index + 1);
  if (index <= progress.match) return false;
  progress.match = index;
  progress.paused = false;
  return true;
}

/** The follower refused an append after `refused`; its log may agree up to `hint`. False for a stale refusal. */
export function refusedAt(progress: Progress, refused: LogIndex, hint: LogIndex): boolean {
  if (progress.state === "replicate") {
    if (refused <= progress.match) return false;
    becomeProbe(progress);
    return true;
  }
  if (progress.state === "snapshot" || progress.next - 1 !== refused) return false;
  progress.next = Math.max(Math.min(refused, hint + 1), progress.match + 1);
  progress.paused = false;
  return true;
}
