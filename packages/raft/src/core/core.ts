import type { CoreOptions, CoreStatus, RaftCore } from "./api.js";
import { createConfigurationHistory, decodeConfiguration } from "./configuration.js";
import { campaign, handleVoteRequest, handleVoteResponse, preCampaign } from "./election.js";
import { handleAppend, handleHeartbeat, handleSnapshot, handleTimeoutNow, heardFromLeader, snapshotInstalled } from "./follower.js";
import { invariant } from "./invariant.js";
import { handleAppendResponse, handleHeartbeatResponse, maybeCommit, propose, replicate, snapshotReported, tickLeader, unreachable } from "./leader.js";
import { beginJoining, reachToSave } from "./joining.js";
import { becomePatient, isPatient } from "./lease.js";
import { createLogView } from "./log-view.js";
import { endJoint, proposeConfiguration } from "./membership.js";
import { ageForwardedReads, handleReadIndex, handleReadIndexResponse, requestRead, startReadRound } from "./read-index.js";
import { becomeFollower, isPromotable, resetElectionTimer, send, sendAfterPersist } from "./state.js";
import type { CoreState } from "./state.js";
import { transferLeadership } from "./transfer.js";
import type { Entry, HardState, Message, Ready } from "./types.js";

/** Bytes of committed entries that one Ready hands out for applying; the next come when these are applied. */
const MAX_COMMITTED_BYTES = 4 * 1024 * 1024;
/** Where ids of forwarded reads may begin; leaves room to count on. */
const FORWARD_IDS = 2 ** 52;

export function createCore(options: CoreOptions): RaftCore {
  const log = createLogView(options.log);
  const state: CoreState = {
    options,
    id: options.id,
    log,
    history: createConfigurationHistory(options.configurationIndex, options.configuration),
    role: "follower",
    term: options.hardState.term,
    vote: options.hardState.vote,
    leader: undefined,
    commit: Math.min(Math.max(options.hardState.commit, options.appliedIndex), log.lastIndex()),
    applied: options.appliedIndex,
    reach: options.hardState.reach,
    canLead: true,
    electionElapsed: 0,
    patience: 0,
    electionTimeout: 0,
    heartbeatElapsed: 0,
    votes: new Map(),
    leading: undefined,
    forwardedReads: new Map(),
    nextForward: Math.floor(options.random() * FORWARD_IDS),
    readsDone: [],
    messagesNow: [],
    messagesAfterPersist: [],
    installing: undefined,
  };
  recallConfigurations(state);
  beginJoining(state);
  becomePatient(state);
  resetElectionTimer(state);
  let saved: HardState = options.hardState;
  let toldRole = state.role;
  let toldLeader = state.leader;
  let toldTerm = state.term;
  /** Highest committed entry handed out for applying. */
  let offeredCommit = options.appliedIndex;

  const hardStateChanged = () => saved.term !== state.term || saved.vote !== state.vote || saved.reach !== reachToSave(state);
  const leadershipChanged = () => toldRole !== state.role || toldLeader !== state.leader || toldTerm !== state.term;
  /** Only what is durable here is applied: the applied index must never pass the log that a crash leaves. One group at a time bounds memory. */
  const applicable = () => (state.installing || state.applied < offeredCommit ? offeredCommit : Math.min(state.commit, log.stableIndex()));

  function takeCommitted(): readonly Entry[] {
    const to = applicable();
    if (to <= offeredCommit) return [];
    const entries = log.entries(offeredCommit + 1, to + 1, MAX_COMMITTED_BYTES);
    invariant(entries !== undefined, `committed entry ${offeredCommit + 1} is compacted before it was applied`);
    offeredCommit = entries[entries.length - 1]!.index;
    return entries;
  }

  function flushWork(): void {
    if (!state.leading) return;
    endJoint(state);
    startReadRound(state);
    replicate(state);
  }

  const core: RaftCore = {
    tick() {
      ageForwardedReads(state);
      if (state.patience > 0) state.patience -= 1;
      if (state.leading) {
        tickLeader(state);
        return;
      }
      state.electionElapsed += 1;
      if (state.electionElapsed >= state.electionTimeout) {
        state.electionElapsed = 0;
        // One that may not campaign has lost its leader all the same, and must not refuse its vote to the next.
        if (isPromotable(state)) preCampaign(state);
        else if (state.leader !== undefined) becomeFollower(state, state.term, undefined);
      }
    },
    step: (message) => step(state, message),
    propose: (data, term) => propose(state, data, term),
    proposeConfiguration: (configuration) => proposeConfiguration(state, configuration),
    readIndex: (id) => requestRead(state, id),
    transferLeadership: (to) => transferLeadership(state, to),
    setCanLead(canLead) {
      if (state.canLead === canLead) return;
      state.canLead = canLead;
      if (!state.leading) resetElectionTimer(state);
    },
    campaign: () => campaign(state, false),
    reportUnreachable: (id) => unreachable(state, id),
    reportSnapshot: (id, ok) => snapshotReported(state, id, ok),
    snapshotInstalled(index) {
      snapshotInstalled(state, index);
      offeredCommit = Math.max(offeredCommit, state.applied);
    },
    hasReady() {
      flushWork();
      return (
        hardStateChanged() || log.hasUnoffered() || state.messagesNow.length > 0 || state.messagesAfterPersist.length > 0 ||
        applicable() > offeredCommit || state.readsDone.length > 0 || leadershipChanged() || (state.installing !== undefined && !state.installing.offered)
      );
    },
    ready() {
      flushWork();
      const changed = hardStateChanged();
      if (changed) saved = hardStateOf(state);
      const leadership = leadershipChanged() ? { role: state.role, leader: state.leader, term: state.term } : undefined;
      toldRole = state.role;
      toldLeader = state.leader;
      toldTerm = state.term;
      const snapshot = state.installing && !state.installing.offered ? state.installing.meta : undefined;
      if (state.installing) state.installing.offered = true;
      // A message may name a term only once that term is on disk.
      const now = changed ? [] : state.messagesNow;
      const after = changed ? [...state.messagesNow, ...state.messagesAfterPersist] : state.messagesAfterPersist;
      state.messagesNow = [];
      state.messagesAfterPersist = [];
      const ready: Ready = {
        hardState: changed ? saved : undefined,
        entries: log.takeUnoffered(),
        snapshot,
        messagesNow: now,
        messagesAfterPersist: after,
        committed: takeCommitted(),
        reads: state.readsDone.splice(0),
        leadership,
      };
      return ready;
    },
    persisted(index, term) {
      log.persisted(index, term);
      if (state.leading) maybeCommit(state);
    },
    applied(index) {
      invariant(index <= state.commit, `applied ${index} beyond commit ${state.commit}`);
      state.applied = Math.max(state.applied, index);
    },
    status: () => status(state),
    unstable: () => log.unstable(),
  };
  return core;
}

/** Configurations in the log that may yet be cut off again: each counts from its entry on, and goes with it. */
function recallConfigurations({ log, history, options, commit }: CoreState): void {
  for (let index = Math.max(options.configurationIndex, options.appliedIndex) + 1; index <= log.lastIndex(); index++) {
    const entry = log.entries(index, index + 1, 1)?.[0];
    if (entry?.kind === "config") history.append(index, decodeConfiguration(entry.data));
  }
  history.committed(commit);
}

function hardStateOf(state: CoreState): HardState {
  const reach = reachToSave(state);
  return { term: state.term, vote: state.vote, commit: state.commit, ...(reach !== undefined && { reach }) };
}

/** Rules that hold for every message, before the one of its kind (etcd-io/raft's Step; thesis 9.6 for PreVote). */
function step(state: CoreState, message: Message): void {
  if (message.to !== state.id) return;
  const isVoteRequest = message.type === "vote" || message.type === "pre-vote";
  if (message.term > state.term) {
    // A server that hears its leader does not help to depose it: a removed or partitioned one cannot disturb.
    if (isVoteRequest && isPatient(state) && !message.force) return;
    const isOfFutureTerm = message.type === "pre-vote" || (message.type === "pre-vote-response" && message.granted);
    if (!isOfFutureTerm) {
      const fromLeader = message.type === "append" || message.type === "heartbeat" || message.type === "snapshot";
      becomeFollower(state, message.term, fromLeader ? message.from : undefined);
    }
  } else if (message.term < state.term) {
    answerStale(state, message);
    return;
  }
  dispatch(state, message);
}

/** A leader or candidate of an old term learns of the new one from the answer. */
function answerStale(state: CoreState, message: Message): void {
  if (message.type === "append" || message.type === "heartbeat" || message.type === "snapshot") {
    sendAfterPersist(state, { type: "append-response", to: message.from, ok: false, index: 0, hintIndex: 0, hintTerm: 0, canLead: state.canLead });
  } else if (message.type === "pre-vote") {
    sendAfterPersist(state, { type: "pre-vote-response", to: message.from, granted: false });
  } else if (message.type === "read-index") {
    send(state, { type: "read-index-response", to: message.from, id: message.id, index: undefined });
  }
}

function dispatch(state: CoreState, message: Message): void {
  switch (message.type) {
    case "vote":
    case "pre-vote":
      handleVoteRequest(state, message);
      return;
    case "vote-response":
    case "pre-vote-response":
      handleVoteResponse(state, message);
      return;
    case "append":
    case "heartbeat":
    case "snapshot":
      invariant(state.role !== "leader", `two leaders in term ${state.term}: ${state.id} and ${message.from}`);
      if (state.role !== "follower") becomeFollower(state, state.term, message.from);
      heardFromLeader(state, message.from);
      if (message.type === "append") handleAppend(state, message);
      else if (message.type === "heartbeat") handleHeartbeat(state, message);
      else handleSnapshot(state, message);
      return;
    case "append-response":
      handleAppendResponse(state, message);
      return;
    case "heartbeat-response":
      handleHeartbeatResponse(state, message);
      return;
    case "snapshot-response":
      snapshotReported(state, message.from, message.ok);
      return;
    case "read-index":
      handleReadIndex(state, message);
      return;
    case "read-index-response":
      handleReadIndexResponse(state, message);
      return;
    case "timeout-now":
      handleTimeoutNow(state);
      return;
  }
}

function status(state: CoreState): CoreStatus {
  return {
    role: state.role,
    leader: state.leader,
    term: state.term,
    vote: state.vote,
    commitIndex: state.commit,
    appliedIndex: state.applied,
    lastIndex: state.log.lastIndex(),
    configuration: state.history.current(),
    configurationIndex: state.history.currentIndex(),
    peers: [...(state.leading?.peers.values() ?? [])].map(({ id, match, state: itsState, silentTicks, canLead }) => ({ id, matchIndex: match, state: itsState, silentTicks, canLead })),
    transferTo: state.leading?.transferTo,
    leaderReady: state.leading !== undefined && state.applied >= state.leading.noopIndex,
  };
}
