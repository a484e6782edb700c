import type { CoreOptions } from "./api.js";
import type { ConfigurationHistory } from "./configuration.js";
import type { LogView } from "./log-view.js";
import type { Progress } from "./progress.js";
import type { EntryKind, LogIndex, Message, NodeId, Role, SnapshotMeta, Term } from "./types.js";

/** A message before its envelope: who sends it and in which term is filled in by `send`. */
type Unaddressed<M> = M extends Message ? Omit<M, "from" | "term"> & { readonly term?: Term } : never;
export type Outgoing = Unaddressed<Message>;

/** A read asked for here or by a follower. */
export interface PendingRead {
  /** undefined: this server. */
  readonly from: NodeId | undefined;
  readonly id: number;
}

export interface ReadRound {
  readonly round: number;
  readonly index: LogIndex;
  readonly reads: readonly PendingRead[];
}

/** What only a leader keeps; made anew with each term it wins. */
export interface LeaderState {
  readonly peers: Map<NodeId, Progress>;
  /** Index of this term's no-op: reads, configuration changes and `leaderReady` wait for it. */
  readonly noopIndex: LogIndex;
  transferTo: NodeId | undefined;
  transferTicks: number;
  /** timeout-now has been sent to the target. */
  transferSent: boolean;
  waitingReads: PendingRead[];
  rounds: ReadRound[];
  lastRound: number;
  /** No read is answered by a lease any more in this term. */
  leaseEnded: boolean;
}

/** Everything a member knows, in one place; the rules that change it are in the files beside this one. */
export interface CoreState {
  readonly options: CoreOptions;
  readonly id: NodeId;
  readonly log: LogView;
  readonly history: ConfigurationHistory;
  role: Role;
  term: Term;
  vote: NodeId | undefined;
  leader: NodeId | undefined;
  commit: LogIndex;
  applied: LogIndex;
  /** See joining.ts; undefined on a server that takes part. */
  reach: LogIndex | undefined;
  canLead: boolean;
  electionElapsed: number;
  /** Ticks for which it still helps nobody else to lead: see lease.ts. */
  patience: number;
  electionTimeout: number;
  heartbeatElapsed: number;
  votes: Map<NodeId, boolean>;
  leading: LeaderState | undefined;
  /** Reads forwarded to the leader, by the id on the wire. */
  readonly forwardedReads: Map<number, { readonly id: number; ticks: number }>;
  /** Begins anywhere, so that an answer to this server's question from before a restart is not taken for one of today. */
  nextForward: number;
  readonly readsDone: { id: number; index: LogIndex | undefined }[];
  messagesNow: Message[];
  messagesAfterPersist: Message[];
  /** A snapshot accepted and not yet installed; `offered` once a Ready carried it. */
  installing: { readonly meta: SnapshotMeta; readonly from: NodeId; offered: boolean } | undefined;
}

// The spread comes last: members that follow one cost V8 a microsecond each.
export function send(state: CoreState, message: Outgoing): void {
  state.messagesNow.push({ from: state.id, term: state.term, ...message } as Message);
}

/** For answers that promise something which must be on disk first: votes and acknowledged entries. */
export function sendAfterPersist(state: CoreState, message: Outgoing): void {
  state.messagesAfterPersist.push({ from: state.id, term: state.term, ...message } as Message);
}

/** Puts an entry of this leader's term at the end of the log. */
export function appendOwn(state: CoreState, kind: EntryKind, data: Uint8Array): LogIndex {
  const index = state.log.lastIndex() + 1;
  state.log.append([{ index, term: state.term, kind, data }]);
  return index;
}

/**
 * Whether this server may try to become leader at all. One that is removed by an entry not yet committed may: perhaps only it
 * has that entry, and nobody else can win (thesis 4.2.2).
 */
export function isPromotable(state: CoreState): boolean {
  return state.history.mayYetVote(state.id) && state.installing === undefined && state.reach === undefined;
}

export function resetElectionTimer(state: CoreState): void {
  const { electionTicks, random, reluctanceFactor } = state.options;
  state.electionElapsed = 0;
  state.electionTimeout = (electionTicks + Math.floor(random() * electionTicks)) * (state.canLead ? 1 : reluctanceFactor);
}

/** Every way into the follower role passes here, so that nothing of an earlier role survives. */
export function becomeFollower(state: CoreState, term: Term, leader: NodeId | undefined): void {
  if (term > state.term) {
    state.term = term;
    state.vote = undefined;
  }
  dropReads(state);
  state.role = "follower";
  state.leader = leader;
  state.leading = undefined;
  state.votes = new Map();
  resetElectionTimer(state);
}

/** Leadership moved: whoever waits for a read index has to ask again. */
function dropReads(state: CoreState): void {
  const leading = state.leading;
  if (leading) {
    for (const read of [...leading.waitingReads, ...leading.rounds.flatMap((round) => round.reads)]) {
      if (read.from === undefined) state.readsDone.push({ id: read.id, index: undefined });
      else send(state, { type: "read-index-response", to: read.from, id: read.id, index: undefined });
    }
  }
  for (const { id } of state.forwardedReads.values()) state.readsDone.push({ id, index: undefined });
  state.forwardedReads.clear();
}

export function commitTo(state: CoreState, index: LogIndex): boolean {
  const to = Math.min(index, state.log.lastIndex());
  if (to <= state.commit) return false;
  state.commit = to;
  state.history.committed(to);
  return true;
}
