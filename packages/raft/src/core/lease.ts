import type { Progress } from "./progress.js";
import { hasQuorum } from "./quorum.js";
import type { CoreState } from "./state.js";
import type { Message } from "./types.js";

/**
 * The lease for reads, an option (Ongaro's thesis, 6.4.1): while a quorum has acknowledged a heartbeat that left not long ago, no
 * other server can have been elected, and the leader tells a read point without asking first.
 *
 * It rests on what no message can prove:
 * - Every server keeps its patience (below), measured by its ticks. A timer may be a millisecond early at each; `drift` has room for that.
 * - The clocks of any two servers run at rates that differ by less than `drift`.
 * - The leader's clock goes on while its process stands still. It is read after the question came and before the answer is made,
 *   so a pause before that look ends the lease, and one after it does no harm: the read point was right when the clock was read.
 */

/**
 * Patience: a server that has answered its leader helps nobody else to lead for an election timeout, whatever it hears meanwhile.
 * One that has just started cannot know whom it answered before, and waits as long. Only the leader itself can release it, by
 * `timeout-now`, which it sends no more than once its lease is over for the term; votes that follow from it are forced.
 */
export function becomePatient(state: CoreState): void {
  state.patience = state.options.electionTicks;
}

export function released(state: CoreState): void {
  state.patience = 0;
}

/** Whether this server owes a leader, itself perhaps, that it does not help another. */
export function isPatient(state: CoreState): boolean {
  return state.leading !== undefined || state.patience > 0;
}

/** How long the patience lasts at least, from when the heartbeat was answered: the first tick may come at once. */
export function promisedPatience({ options }: CoreState): number {
  return (options.electionTicks - 1) * options.tickLength;
}

/** When a heartbeat leaves; 0 without a lease. */
export function leaseClock({ options }: CoreState): number {
  return options.lease?.now() ?? 0;
}

/** A peer answered a heartbeat: its patience began after that one left. */
export function extendLease({ options }: CoreState, peer: Progress, answer: Extract<Message, { type: "heartbeat-response" }>): void {
  if (options.lease) peer.leaseUntil = Math.max(peer.leaseUntil, answer.sentAt + answer.patience * (1 - options.lease.drift));
}

/** Told to take over, the target may be elected at any time from now on, be the message on its way for ever so long. */
export function endLease(state: CoreState): void {
  state.leading!.leaseEnded = true;
}

export function leaseHolds(state: CoreState): boolean {
  const { leading, options, id, history } = state;
  if (!options.lease || !leading || leading.leaseEnded) return false;
  const now = options.lease.now();
  return hasQuorum(history.current(), (voter) => voter === id || (leading.peers.get(voter)?.leaseUntil ?? 0) > now);
}
