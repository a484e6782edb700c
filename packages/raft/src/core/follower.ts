import { decodeConfiguration } from "./configuration.js";
import { campaign } from "./election.js";
import { endJoining, heardOfCommit } from "./joining.js";
import { invariant } from "./invariant.js";
import { becomePatient, promisedPatience, released } from "./lease.js";
import { commitTo, isPromotable, send, sendAfterPersist } from "./state.js";
import type { CoreState } from "./state.js";
import type { Entry, LogIndex, Message, NodeId } from "./types.js";

type Of<T extends Message["type"]> = Extract<Message, { type: T }>;

/** A valid message of the current term's leader was heard. */
export function heardFromLeader(state: CoreState, leader: NodeId): void {
  state.leader = leader;
  state.electionElapsed = 0;
  becomePatient(state);
}

export function handleAppend(state: CoreState, message: Of<"append">): void {
  if (state.installing) return;
  heardOfCommit(state, message.commit);
  const { log } = state;
  if (message.prevIndex < state.commit) {
    acknowledge(state, message.from, state.commit);
    return;
  }
  if (log.term(message.prevIndex) !== message.prevTerm) {
    const hintIndex = log.lastWithTermAtMost(Math.min(message.prevIndex, log.lastIndex()), message.prevTerm);
    sendAfterPersist(state, { type: "append-response", to: message.from, ok: false, index: message.prevIndex, hintIndex, hintTerm: log.term(hintIndex) ?? 0, canLead: state.canLead });
    return;
  }
  appendFrom(state, message.entries);
  endJoining(state);
  const last = message.prevIndex + message.entries.length;
  commitTo(state, Math.min(message.commit, last));
  acknowledge(state, message.from, last);
}

/** Skips what is already here; the first conflict cuts the log from there on. */
function appendFrom(state: CoreState, entries: readonly Entry[]): void {
  const { log } = state;
  let known = 0;
  while (known < entries.length && log.term(entries[known]!.index) === entries[known]!.term) known += 1;
  if (known === entries.length) return;
  const fresh = entries.slice(known);
  const first = fresh[0]!.index;
  invariant(first > state.commit, `entry ${first} conflicts with a committed one (commit ${state.commit})`);
  if (first <= log.lastIndex()) state.history.truncate(first);
  log.append(fresh);
  for (const entry of fresh) {
    if (entry.kind === "config") state.history.append(entry.index, decodeConfiguration(entry.data));
  }
}

function acknowledge(state: CoreState, to: NodeId, index: LogIndex): void {
  sendAfterPersist(state, { type: "append-response", to, ok: true, index, hintIndex: 0, hintTerm: 0, canLead: state.canLead });
}

export function handleHeartbeat(state: CoreState, message: Of<"heartbeat">): void {
  if (!state.installing) commitTo(state, message.commit);
  send(state, { type: "heartbeat-response", to: message.from, round: message.round, canLead: state.canLead, sentAt: message.sentAt, patience: promisedPatience(state) });
}

export function handleSnapshot(state: CoreState, message: Of<"snapshot">): void {
  if (state.installing) return;
  const { meta } = message;
  if (meta.index <= state.commit) {
    acknowledge(state, message.from, state.commit);
    return;
  }
  if (state.log.term(meta.index) === meta.term) {
    // The log already reaches beyond it: no need for the bytes.
    commitTo(state, meta.index);
    acknowledge(state, message.from, state.commit);
    return;
  }
  heardOfCommit(state, meta.index);
  state.installing = { meta, from: message.from, offered: false };
}

export function snapshotInstalled(state: CoreState, index: LogIndex | undefined): void {
  const { installing } = state;
  state.installing = undefined;
  if (!installing) return;
  if (index !== installing.meta.index) {
    send(state, { type: "snapshot-response", to: installing.from, ok: false, index: 0 });
    return;
  }
  const { meta } = installing;
  state.log.reset(meta.index, meta.term);
  state.commit = meta.index;
  state.applied = meta.index;
  state.history.reset(meta.configurationIndex, meta.configuration);
  acknowledge(state, installing.from, meta.index);
}

/** The leader hands over: campaign at once, whatever the timers say. */
export function handleTimeoutNow(state: CoreState): void {
  released(state);
  if (isPromotable(state)) campaign(state, true);
}
