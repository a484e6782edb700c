import type { Proposed } from "./api.js";
import { isSound, leaveJoint, nextConfiguration } from "./configuration-change.js";
import { decodeConfiguration, encodeConfiguration } from "./configuration.js";
import { createProgress } from "./progress.js";
import { isVoter, voters } from "./quorum.js";
import { roundConfirmed, sendHeartbeats } from "./read-index.js";
import { appendOwn, becomeFollower, send } from "./state.js";
import type { CoreState } from "./state.js";
import { bestSuccessor } from "./transfer.js";
import type { Configuration, LogIndex, NodeId } from "./types.js";

export function proposeConfiguration(state: CoreState, target: Configuration): Proposed {
  const { leading, history } = state;
  if (!leading) return { ok: false, reason: "not-leader" };
  if (leading.transferTo !== undefined) return { ok: false, reason: "transferring" };
  if (!isSound(target)) return { ok: false, reason: "invalid-configuration" };
  // Ongaro's correction of 2015: a change needs a committed entry of the leader's own term before it.
  if (state.commit < leading.noopIndex || history.currentIndex() > state.commit || history.current().outgoing) return { ok: false, reason: "change-in-progress" };
  const isNew = (id: NodeId) => !isVoter(history.current(), id) && id !== state.id;
  if (voters(target).some((id) => isNew(id) && !leading.peers.get(id)?.match)) return { ok: false, reason: "not-caught-up" };
  return { ok: true, index: enter(state, nextConfiguration(history.current(), target)), term: state.term };
}

/** The second half of a change: once the joint configuration is committed, whoever leads ends it. Not on the way out, when the log must stand still. */
export function endJoint(state: CoreState): void {
  const { leading, history, commit } = state;
  if (!leading || leading.transferTo !== undefined || !history.current().outgoing) return;
  if (commit < leading.noopIndex || commit < history.currentIndex()) return;
  enter(state, leaveJoint(history.current()));
}

function enter(state: CoreState, configuration: Configuration): LogIndex {
  const data = encodeConfiguration(configuration);
  const index = appendOwn(state, "config", data);
  state.history.append(index, decodeConfiguration(data));
  followConfiguration(state);
  // A round may have waited for a voter that is gone, and nobody else may answer any more.
  roundConfirmed(state);
  return index;
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

/** A leader that lost its vote leads until that is committed, and counts itself no longer meanwhile. */
export function stepDownIfRemoved(state: CoreState): void {
  if (state.history.currentIndex() > state.commit || isVoter(state.history.current(), state.id)) return;
  // The others learn of the commit from this last round, or from the next leader.
  sendHeartbeats(state);
  const successor = bestSuccessor(state);
  // Nobody need wait for the silence: one that has the whole log campaigns at once.
  if (successor?.canLead && successor.match === state.log.lastIndex()) send(state, { type: "timeout-now", to: successor.id });
  becomeFollower(state, state.term, undefined);
}
