import { endLease } from "./lease.js";
import { isAlive } from "./progress.js";
import type { Progress } from "./progress.js";
import { send } from "./state.js";
import type { CoreState } from "./state.js";
import type { NodeId } from "./types.js";

/**
 * Leadership transfer (thesis 3.10): no more proposals, the target gets the rest of the log, then `timeout-now` makes it
 * campaign at once. Given up after an election timeout, so that a target that died does not stop writes for longer.
 */
export function transferLeadership(state: CoreState, to: NodeId | undefined): boolean {
  const { leading } = state;
  if (!leading) return false;
  const peer = to === undefined ? bestSuccessor(state) : successors(state).find(({ id }) => id === to);
  if (!peer) return false;
  // The one under way goes on: its target may have been told already.
  if (leading.transferTo === peer.id) return true;
  leading.transferTo = peer.id;
  leading.transferTicks = 0;
  leading.transferSent = false;
  sendTimeoutNow(state);
  return true;
}

/** Those that will vote once a change under way is over, and were heard from lately. */
function successors({ history, leading, options }: CoreState): readonly Progress[] {
  const ids = history.current().servers.filter((server) => server.voter).map((server) => server.id);
  return ids.flatMap((id) => leading!.peers.get(id) ?? []).filter((peer) => isAlive(peer, options.electionTicks));
}

/** The most caught-up of them, preferring one that can lead. */
export function bestSuccessor(state: CoreState): Progress | undefined {
  const able = successors(state);
  const fit = able.filter((peer) => peer.canLead);
  return [...(fit.length > 0 ? fit : able)].sort((a, b) => b.match - a.match)[0];
}

/** Once the target has the whole log. */
export function sendTimeoutNow(state: CoreState): void {
  const leading = state.leading!;
  const peer = leading.peers.get(leading.transferTo!);
  if (!peer || leading.transferSent || peer.match !== state.log.lastIndex()) return;
  leading.transferSent = true;
  endLease(state);
  send(state, { type: "timeout-now", to: peer.id });
}

export function tickTransfer({ leading, options }: CoreState): void {
  if (leading?.transferTo === undefined) return;
  leading.transferTicks += 1;
  if (leading.transferTicks >= options.electionTicks) leading.transferTo = undefined;
}

/** Not fit to serve (sealed): hand over to somebody who is. The transfer lets the last entries reach the successor. */
export function yieldLeadership(state: CoreState): void {
  const peer = bestSuccessor(state);
  if (peer?.canLead && peer.state === "replicate") transferLeadership(state, peer.id);
}
