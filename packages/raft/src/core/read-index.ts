import { leaseClock, leaseHolds } from "./lease.js";
import type { Progress } from "./progress.js";
import { hasQuorum, isVoter, voters } from "./quorum.js";
import { send } from "./state.js";
import type { CoreState, PendingRead } from "./state.js";
import type { Message, NodeId } from "./types.js";

/**
 * ReadIndex (Ongaro's thesis, 6.4): a read is safe at the commit index of the moment it was asked for, once a quorum has
 * confirmed AFTER that moment that this server still leads. All reads waiting when a round starts share it. With a lease that
 * still holds no round is needed.
 */
export function requestRead(state: CoreState, id: number): void {
  if (state.leading) state.leading.waitingReads.push({ from: undefined, id });
  else if (state.leader === undefined) state.readsDone.push({ id, index: undefined });
  else {
    const wireId = state.nextForward++;
    state.forwardedReads.set(wireId, { id, ticks: 0 });
    send(state, { type: "read-index", to: state.leader, id: wireId });
  }
}

export function handleReadIndex(state: CoreState, message: Extract<Message, { type: "read-index" }>): void {
  if (state.leading) state.leading.waitingReads.push({ from: message.from, id: message.id });
  else send(state, { type: "read-index-response", to: message.from, id: message.id, index: undefined });
}

export function handleReadIndexResponse(state: CoreState, message: Extract<Message, { type: "read-index-response" }>): void {
  const read = state.forwardedReads.get(message.id);
  if (!read) return;
  state.forwardedReads.delete(message.id);
  state.readsDone.push({ id: read.id, index: message.index });
}

/** Starts a round for the waiting reads, unless one is out: those that come meanwhile share the next. */
export function startReadRound(state: CoreState): void {
  const leading = state.leading;
  if (!leading || leading.waitingReads.length === 0 || state.commit < leading.noopIndex) return;
  answerConfirmed(state);
  if (leading.waitingReads.length === 0 || leading.rounds.length > 0) return;
  const reads = leading.waitingReads.splice(0);
  if (decides(state) || leaseHolds(state)) {
    for (const read of reads) finish(state, read, state.commit);
    return;
  }
  leading.lastRound += 1;
  leading.rounds.push({ round: leading.lastRound, index: state.commit, reads });
  for (const peer of roundPeers(state)) heartbeat(state, peer.id);
}

/**
 * Whom a round asks: as few voters as make a quorum with this server, those that were heard from last. Should one of them
 * fail just now, the next periodic heartbeat, which goes to all and names the round too, gets the answer.
 */
function roundPeers(state: CoreState): readonly Progress[] {
  const configuration = state.history.current();
  const peers = voters(configuration).flatMap((id) => state.leading!.peers.get(id) ?? []);
  peers.sort((a, b) => a.silentTicks - b.silentTicks);
  const asked: Progress[] = [];
  while (asked.length < peers.length && !decides(state, ...asked.map(({ id }) => id))) asked.push(peers[asked.length]!);
  return asked;
}

/** Whether this server and these decide. */
function decides({ history, id }: CoreState, ...others: readonly NodeId[]): boolean {
  return hasQuorum(history.current(), (one) => one === id || others.includes(one));
}

/**
 * A voter's question says itself that, when it left, that voter knew of no later term. Where it makes a quorum with this
 * server, nothing can have been committed elsewhere before the question left, and so nothing that its reads must see: no
 * round is needed.
 */
function answerConfirmed(state: CoreState): void {
  const leading = state.leading!;
  const configuration = state.history.current();
  const unconfirmed: PendingRead[] = [];
  for (const read of leading.waitingReads) {
    if (read.from !== undefined && isVoter(configuration, read.from) && decides(state, read.from)) finish(state, read, state.commit);
    else unconfirmed.push(read);
  }
  leading.waitingReads = unconfirmed;
}

export function sendHeartbeats(state: CoreState): void {
  for (const id of state.leading!.peers.keys()) heartbeat(state, id);
}

function heartbeat(state: CoreState, to: NodeId): void {
  const leading = state.leading!;
  send(state, { type: "heartbeat", to, commit: Math.min(leading.peers.get(to)!.match, state.commit), round: leading.lastRound, sentAt: leaseClock(state) });
}

/** A peer confirmed this server's leadership for every round up to the one it names. */
export function roundConfirmed(state: CoreState): void {
  const leading = state.leading!;
  while (leading.rounds.length > 0) {
    const { round, index, reads } = leading.rounds[0]!;
    if (!hasQuorum(state.history.current(), (id) => id === state.id || (leading.peers.get(id)?.roundAcked ?? 0) >= round)) return;
    leading.rounds.shift();
    for (const read of reads) finish(state, read, index);
  }
}

function finish(state: CoreState, read: PendingRead, index: number): void {
  if (read.from === undefined) {
    state.readsDone.push({ id: read.id, index });
    return;
  }
  send(state, { type: "read-index-response", to: read.from, id: read.id, index });
  const peer = state.leading!.peers.get(read.from);
  if (peer) peer.wantsCommit = true;
}

/** Answers lost on the way must not leave a reader waiting for ever. */
export function ageForwardedReads(state: CoreState): void {
  for (const [wireId, read] of state.forwardedReads) {
    read.ticks += 1;
    if (read.ticks < state.options.electionTicks) continue;
    state.forwardedReads.delete(wireId);
    state.readsDone.push({ id: read.id, index: undefined });
  }
}
