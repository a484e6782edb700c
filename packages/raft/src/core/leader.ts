import type { Proposed } from "./api.js";
import { extendLease } from "./lease.js";
import { entryBytes } from "./log-view.js";
import { followConfiguration, stepDownIfRemoved } from "./membership.js";
import { acknowledged, appended, becomeProbe, becomeReplicate, becomeSnapshot, isAlive, isBlocked, refusedAt } from "./progress.js";
import type { Progress } from "./progress.js";
import { committedByQuorum, hasQuorum } from "./quorum.js";
import { roundConfirmed, sendHeartbeats } from "./read-index.js";
import { appendOwn, becomeFollower, commitTo, send } from "./state.js";
import type { CoreState } from "./state.js";
import { sendTimeoutNow, tickTransfer, yieldLeadership } from "./transfer.js";
import type { Message, NodeId, Term } from "./types.js";

const NOTHING = new Uint8Array(0);

export function becomeLeader(state: CoreState): void {
  const noopIndex = state.log.lastIndex() + 1;
  state.role = "leader";
  state.leader = state.id;
  state.electionElapsed = 0;
  state.heartbeatElapsed = 0;
  state.leading = { peers: new Map(), noopIndex, transferTo: undefined, transferTicks: 0, transferSent: false, waitingReads: [], rounds: [], lastRound: 0, leaseEnded: false };
  followConfiguration(state);
  // Entries of earlier terms become committed through this one, never by counting (Raft paper, figure 8).
  appendOwn(state, "noop", NOTHING);
}

export function propose(state: CoreState, data: Uint8Array, term: Term | undefined): Proposed {
  if (!state.leading || (term !== undefined && term !== state.term)) return { ok: false, reason: "not-leader" };
  if (state.leading.transferTo !== undefined) return { ok: false, reason: "transferring" };
  return { ok: true, index: appendOwn(state, "normal", data), term: state.term };
}

/** Sends each peer what it lacks and its window allows; one message a peer for all that was proposed since the last Ready. */
export function replicate(state: CoreState): void {
  for (const peer of state.leading!.peers.values()) replicateTo(state, peer);
}

function replicateTo(state: CoreState, peer: Progress): void {
  const { log, options } = state;
  while (!isBlocked(peer, options.maxInflightMessages, options.maxInflightBytes)) {
    const isBehind = peer.next <= log.lastIndex();
    if (!isBehind && peer.state !== "probe" && !isCommitNews(state, peer)) return;
    const prevIndex = peer.next - 1;
    const prevTerm = log.term(prevIndex);
    const entries = prevTerm === undefined ? undefined : log.entries(peer.next, log.lastIndex() + 1, options.maxEntriesBytesPerMessage);
    if (prevTerm === undefined || entries === undefined) {
      offerSnapshot(state, peer);
      return;
    }
    send(state, { type: "append", to: peer.id, prevIndex, prevTerm, entries, commit: state.commit });
    peer.commitSent = state.commit;
    peer.wantsCommit = false;
    appended(peer, prevIndex + entries.length, entries.reduce((sum, entry) => sum + entryBytes(entry), 0));
    if (entries.length === 0) return;
  }
}

/**
 * Whether a commit is worth a message of its own. As long as entries behind it are under way it is not: it goes with the next ones, or
 * with their own commit. Under load that is every second message.
 */
function isCommitNews({ commit, log }: CoreState, peer: Progress): boolean {
  return peer.commitSent < Math.min(commit, peer.match) && (commit === log.lastIndex() || peer.wantsCommit);
}

function offerSnapshot(state: CoreState, peer: Progress): void {
  const meta = state.options.log.snapshotMeta();
  if (!meta || !isAlive(peer, state.options.electionTicks)) return;
  becomeSnapshot(peer, meta.index);
  send(state, { type: "snapshot", to: peer.id, meta });
}

export function handleAppendResponse(state: CoreState, message: Extract<Message, { type: "append-response" }>): void {
  const peer = heard(state, message.from, message.canLead);
  if (!peer) return;
  if (!message.ok) {
    const hint = message.hintTerm > 0 ? state.log.lastWithTermAtMost(message.hintIndex, message.hintTerm) : message.hintIndex;
    refusedAt(peer, message.index, hint);
    return;
  }
  if (message.index > state.log.lastIndex()) return;
  const isNews = acknowledged(peer, message.index);
  if (peer.state === "probe" && (isNews || message.index === peer.match)) becomeReplicate(peer);
  else if (peer.state === "snapshot" && peer.match >= peer.pendingSnapshot) becomeReplicate(peer);
  if (!isNews) return;
  maybeCommit(state);
  if (state.leading?.transferTo === peer.id) sendTimeoutNow(state);
}

export function handleHeartbeatResponse(state: CoreState, message: Extract<Message, { type: "heartbeat-response" }>): void {
  const peer = heard(state, message.from, message.canLead);
  if (!peer) return;
  if (peer.nudge) {
    peer.nudge = false;
    peer.paused = false;
    // An append or its answer may be lost, with the window full or nothing proposed after it.
    if (peer.state === "replicate" && peer.inflight.length > 0) askPosition(state, peer);
  }
  extendLease(state, peer, message);
  if (message.round > peer.roundAcked) {
    peer.roundAcked = message.round;
    roundConfirmed(state);
  }
}

/** An empty append behind all that is in flight: refused, it tells that something was lost; accepted, it acknowledges everything. */
function askPosition(state: CoreState, peer: Progress): void {
  const prevIndex = peer.next - 1;
  const prevTerm = state.log.term(prevIndex);
  if (prevTerm !== undefined) send(state, { type: "append", to: peer.id, prevIndex, prevTerm, entries: [], commit: state.commit });
  // Compacted meanwhile: what was in flight will not be sent again from there.
  else becomeProbe(peer);
}

function heard(state: CoreState, from: NodeId, canLead: boolean): Progress | undefined {
  const peer = state.leading?.peers.get(from);
  if (!peer) return undefined;
  peer.recentlyActive = true;
  peer.silentTicks = 0;
  peer.canLead = canLead;
  return peer;
}

/** Own entries count from when they are durable here: the log view knows. */
export function maybeCommit(state: CoreState): void {
  const leading = state.leading!;
  const index = committedByQuorum(state.history.current(), (id) => (id === state.id ? state.log.stableIndex() : (leading.peers.get(id)?.match ?? 0)));
  if (index > state.commit && state.log.term(index) === state.term) commitTo(state, index);
  stepDownIfRemoved(state);
}

export function tickLeader(state: CoreState): void {
  const leading = state.leading!;
  for (const peer of leading.peers.values()) peer.silentTicks += 1;
  state.electionElapsed += 1;
  state.heartbeatElapsed += 1;
  tickTransfer(state);
  if (state.electionElapsed >= state.options.electionTicks) {
    state.electionElapsed = 0;
    if (!checkQuorum(state)) return;
  }
  if (state.heartbeatElapsed >= state.options.heartbeatTicks) {
    state.heartbeatElapsed = 0;
    for (const peer of leading.peers.values()) peer.nudge = true;
    sendHeartbeats(state);
    if (!state.canLead && leading.transferTo === undefined) yieldLeadership(state);
  }
}

/** A leader that has not heard from a majority for an election timeout may already have been replaced. */
function checkQuorum(state: CoreState): boolean {
  const { peers } = state.leading!;
  const isActive = hasQuorum(state.history.current(), (id) => id === state.id || peers.get(id)?.recentlyActive === true);
  for (const peer of peers.values()) peer.recentlyActive = false;
  if (isActive) return true;
  becomeFollower(state, state.term, undefined);
  return false;
}

export function snapshotReported(state: CoreState, id: NodeId, ok: boolean): void {
  const peer = state.leading?.peers.get(id);
  if (!peer || peer.state !== "snapshot") return;
  if (!ok) peer.pendingSnapshot = 0;
  becomeProbe(peer);
  // Wait for its acknowledgement or the next heartbeat's answer before probing.
  peer.paused = true;
}

export function unreachable(state: CoreState, id: NodeId): void {
  const peer = state.leading?.peers.get(id);
  if (peer?.state === "replicate") becomeProbe(peer);
}
