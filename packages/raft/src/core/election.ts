import { mayHelp } from "./joining.js";
import { becomeLeader } from "./leader.js";
import { isPatient } from "./lease.js";
import { tally, voters } from "./quorum.js";
import { becomeFollower, isPromotable, resetElectionTimer, send, sendAfterPersist } from "./state.js";
import type { CoreState } from "./state.js";
import type { Message } from "./types.js";

type VoteRequest = Extract<Message, { type: "vote" | "pre-vote" }>;
type VoteResponse = Extract<Message, { type: "vote-response" | "pre-vote-response" }>;

/** Election timeout passed: ask whether a candidacy could win before disturbing anybody with a new term (PreVote). */
export function preCampaign(state: CoreState): void {
  becomeFollower(state, state.term, undefined);
  state.role = "pre-candidate";
  state.votes.set(state.id, true);
  resetElectionTimer(state);
  askForVotes(state, "pre-vote", false);
}

/** `force`: the leader told us to (timeout-now), so others need not have missed it. */
export function campaign(state: CoreState, force: boolean): void {
  if (!isPromotable(state)) return;
  becomeFollower(state, state.term + 1, undefined);
  state.role = "candidate";
  state.vote = state.id;
  state.votes.set(state.id, true);
  resetElectionTimer(state);
  askForVotes(state, "vote", force);
}

function askForVotes(state: CoreState, type: "pre-vote" | "vote", force: boolean): void {
  const configuration = state.history.current();
  if (tally(configuration, state.votes) === "won") {
    if (type === "pre-vote") campaign(state, force);
    else becomeLeader(state);
    return;
  }
  const lastIndex = state.log.lastIndex();
  const lastTerm = state.log.lastTerm();
  for (const to of voters(configuration)) {
    if (to === state.id) continue;
    const message = { type, to, lastIndex, lastTerm, force };
    // A pre-vote speaks of the term it would campaign in, without entering it. A vote may leave only with our own on disk.
    if (type === "pre-vote") send(state, { ...message, term: state.term + 1 });
    else sendAfterPersist(state, message);
  }
}

/** Raft paper, 5.4.1: only a log at least as up to date may win. */
function isUpToDate(state: CoreState, request: VoteRequest): boolean {
  const lastTerm = state.log.lastTerm();
  return request.lastTerm > lastTerm || (request.lastTerm === lastTerm && request.lastIndex >= state.log.lastIndex());
}

export function handleVoteRequest(state: CoreState, request: VoteRequest): void {
  const type = request.type === "vote" ? "vote-response" : "pre-vote-response";
  const free = request.type === "pre-vote" ? request.term > state.term : state.vote === undefined ? state.leader === undefined : state.vote === request.from;
  const bound = isPatient(state) && !request.force;
  const granted = free && !bound && isUpToDate(state, request) && mayHelp(state, request.lastIndex);
  if (granted && request.type === "vote") {
    state.vote = request.from;
    resetElectionTimer(state);
  }
  // A granted pre-vote answers in the term asked about; everything else in our own.
  sendAfterPersist(state, { type, to: request.from, granted, term: granted ? request.term : state.term });
}

export function handleVoteResponse(state: CoreState, response: VoteResponse): void {
  const awaited = state.role === "candidate" ? "vote-response" : state.role === "pre-candidate" ? "pre-vote-response" : undefined;
  if (response.type !== awaited) return;
  if (!state.votes.has(response.from)) state.votes.set(response.from, response.granted);
  const result = tally(state.history.current(), state.votes);
  if (result === "pending") return;
  if (result === "lost") becomeFollower(state, state.term, undefined);
  else if (state.role === "pre-candidate") campaign(state, false);
  else becomeLeader(state);
}
