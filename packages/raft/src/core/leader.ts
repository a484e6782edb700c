import type { Proposed } from "./api.js";
import { decodeConfiguration, encodeConfiguration, votersChanged } from "./configuration.js";
import { invariant } from "./invariant.js";
import { acknowledged, appended, becomeProbe, becomeReplicate, becomeSnapshot, createProgress, isBlocked, refusedAt } from "./progress.js";
import type { Progress } from "./progress.js";
import { entryBytes } from "./log-view.js";
import { committedByQuorum, isVoter, majority, voters } from "./quorum.js";
import { roundConfirmed, sendHeartbeats } from "./read-index.js";
import { becomeFollower, commitTo, send } from "./state.js";
import type { CoreState, LeaderState } from "./state.js";
import type { Configuration, EntryKind, LogIndex, Message, NodeId, Term } from "./types.js";

const NOTHING = new Uint8Array(0);

export function becomeLeader(state: CoreState): void {
  const noopIndex = state.log.lastIndex() + 1;
  state.role = "leader";
  state.leader = state.id;
  state.electionElapsed = 0;
  state.heartbeatElapsed = 0;
  state.leading = { peers: new Map(), noopIndex, transferTo: undefined, transferTicks: 0, transferSent: false, waitingReads: [], rounds: [], lastRound: 0 };
  followConfiguration(state);
  // Entries of earlier terms become committed through this one, never by counting (Raft paper, figure 8).
  appendOwn(state, "noop", NOTHING);
}

/** One progress for each other server of the current configuration. */
export function followConfiguration(state: CoreState): void {
  const { peers } = state.leading!;
  const others = state.history.current().servers.filter((server) => server.id !== state.id);
  for (const { id } of others) {
    if (!peers.has(id)) peers.set(id, createProgress(id, state.log.lastIndex()));
  }
  for (const id of [...peers.keys()]) {
    if (!others.some((server) => server.id === id)) peers.delete(id);
  }
}

function appendOwn(state: CoreState, kind: EntryKind, data: Uint8Array): LogIndex {
  const index = state.log.lastIndex() + 1;
  state.log.append([{ index, term: state.term, kind, data }]);
  return index;
}

export function propose(state: CoreState, data: Uint8Array, term: Term | undefined): Proposed {
  if (!state.leading || (term !== undefined && term !== state.term)) return { ok: false, reason: "not-leader" };
  if (state.leading.transferTo !== undefined) return { ok: false, reason: "transferring" };
  return { ok: true, index: appendOwn(state, "normal", data), term: state.term };
}

export function proposeConfiguration(state: CoreState, configuration: Configuration): Proposed {
  const leading = state.leading;
  if (!leading) return { ok: false, reason: "not-leader" };
  if (leading.transferTo !== undefined) return { ok: false, reason: "transferring" };
  // Ongaro's correction of 2015: a change needs a committed entry of the leader's own term before it.
  if (state.commit < leading.noopIndex || state.history.currentIndex() > state.commit) return { ok: false, reason: "change-in-progress" };
  invariant(votersChanged(state.history.current(), configuration) <= 1, "a configuration may change one voter at a time");
  invariant(voters(configuration).length > 0, "a configuration needs a voter");
  const data = encodeConfiguration(configuration);
  const index = appendOwn(state, "config", data);
  state.history.append(index, decodeConfiguration(data));
  followConfiguration(state);
  // A round may have waited for a voter that is gone, and nobody else may answer any more.
  roundConfirmed(state);
  return { ok: true, index, term: state.term };
}

/** Sends each peer what it lacks and its window allows; one message a peer for all that was proposed since the last Ready. */
export function replicate(state: CoreState): void {
  for (const peer of state.leading!.peers.values()) replicateTo(state, peer);
}

function replicateTo(state: CoreState, peer: Progress): void {
  const { log, options } = state;
  while (!isBlocked(peer, options.maxInflightMessages, options.maxInflightBytes)) {
    const isBehind = peer.next <= log.lastIndex();
    const isNews = isBehind || peer.state === "probe" || peer.commitSent < Math.min(state.commit, peer.match);
    if (!isNews) return;
    const prevIndex = peer.next - 1;
    const prevTerm = log.term(prevIndex);
    const entries = prevTerm === undefined ? undefined : log.entries(peer.next, log.lastIndex() + 1, options.maxEntriesBytesPerMessage);
    if (prevTerm === undefined || entries === undefined) {
      offerSnapshot(state, peer);
      return;
    }
    send(state, { type: "append", to: peer.id, prevIndex, prevTerm, entries, commit: state.commit });
    peer.commitSent = state.commit;
    appended(peer, prevIndex + entries.length, entries.reduce((sum, entry) => sum + entryBytes(entry), 0));
    if (entries.length === 0) return;
  }
}

/** Whether the peer was heard from lately: what is costly is not begun towards a dead one. */
function isAlive(state: CoreState, peer: Progress): boolean {
  return peer.silentTicks < state.options.electionTicks;
}

function offerSnapshot(state: CoreState, peer: Progress): void {
  const meta = state.options.log.snapshotMeta();
  if (!meta || !isAlive(state, peer)) return;
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
  const matches = voters(state.history.current()).map((id) => (id === state.id ? state.log.stableIndex() : (leading.peers.get(id)?.match ?? 0)));
  const index = committedByQuorum(matches);
  if (index > state.commit && state.log.term(index) === state.term) commitTo(state, index);
  stepDownIfRemoved(state);
}

/** A leader that removed itself leads until that is committed, and counts itself no longer meanwhile. */
function stepDownIfRemoved(state: CoreState): void {
  if (state.history.currentIndex() > state.commit || isVoter(state.history.current(), state.id)) return;
  // The others learn of the commit from this last round, or from the next leader.
  sendHeartbeats(state);
  becomeFollower(state, state.term, undefined);
}

export function transferLeadership(state: CoreState, to: NodeId | undefined): boolean {
  const leading = state.leading;
  if (!leading) return false;
  const target = to ?? bestSuccessor(state, leading);
  const peer = target === undefined ? undefined : leading.peers.get(target);
  if (!peer || !isAlive(state, peer) || !isVoter(state.history.current(), peer.id)) return false;
  leading.transferTo = peer.id;
  leading.transferTicks = 0;
  leading.transferSent = false;
  sendTimeoutNow(state);
  return true;
}

/** The most caught-up voter that is alive, preferring one that can lead. */
function bestSuccessor(state: CoreState, leading: LeaderState): NodeId | undefined {
  const alive = [...leading.peers.values()].filter((peer) => isVoter(state.history.current(), peer.id) && isAlive(state, peer));
  const fit = alive.filter((peer) => peer.canLead);
  return (fit.length > 0 ? fit : alive).sort((a, b) => b.match - a.match)[0]?.id;
}

function sendTimeoutNow(state: CoreState): void {
  const leading = state.leading!;
  const peer = leading.peers.get(leading.transferTo!);
  if (!peer || leading.transferSent || peer.match !== state.log.lastIndex()) return;
  leading.transferSent = true;
  send(state, { type: "timeout-now", to: peer.id });
}

export function tickLeader(state: CoreState): void {
  const leading = state.leading!;
  for (const peer of leading.peers.values()) peer.silentTicks += 1;
  state.electionElapsed += 1;
  state.heartbeatElapsed += 1;
  if (leading.transferTo !== undefined) {
    leading.transferTicks += 1;
    if (leading.transferTicks >= state.options.electionTicks) leading.transferTo = undefined;
  }
  if (state.electionElapsed >= state.options.electionTicks) {
    state.electionElapsed = 0;
    if (!checkQuorum(state)) return;
  }
  if (state.heartbeatElapsed >= state.options.heartbeatTicks) {
    state.heartbeatElapsed = 0;
    for (const peer of leading.peers.values()) peer.nudge = true;
    sendHeartbeats(state);
    if (!state.canLead && leading.transferTo === undefined) yieldLeadership(state, leading);
  }
}

/** A leader that has not heard from a majority for an election timeout may already have been replaced. */
function checkQuorum(state: CoreState): boolean {
  const ids = voters(state.history.current());
  const active = ids.filter((id) => id === state.id || state.leading!.peers.get(id)?.recentlyActive).length;
  for (const peer of state.leading!.peers.values()) peer.recentlyActive = false;
  if (active >= majority(ids.length)) return true;
  becomeFollower(state, state.term, undefined);
  return false;
}

/** Not fit to serve (sealed): hand over to somebody who is. The transfer lets the last entries reach the successor. */
function yieldLeadership(state: CoreState, leading: LeaderState): void {
  const successor = bestSuccessor(state, leading);
  const peer = successor === undefined ? undefined : leading.peers.get(successor);
  if (peer?.canLead && peer.state === "replicate") transferLeadership(state, peer.id);
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
