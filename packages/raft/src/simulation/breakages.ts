import type { Message, SnapshotMeta } from "../core/types.js";
import { ELECTION_TICKS } from "./member.js";
import type { DiskBreakage } from "./disk.js";
import type { Mutation } from "./mutation.js";

/** A deliberate fault that the simulator must notice: a promise to the core that its surroundings break, or a mistake in the core. */
export interface Breakage extends DiskBreakage {
  /** Votes and acknowledgements leave before what they promise is synced. */
  readonly answersBeforeSync?: boolean;
  /** The log is compacted to what is applied, not to what the state holds on disk. */
  readonly compactsUnflushed?: boolean;
  /** What the network makes of a message. */
  readonly tampers?: (message: Message) => Message;
  /** What the network answers by itself, be the receiver reachable or not. */
  readonly forges?: (message: Message) => Message | undefined;
  /** What becomes of a snapshot's description on the way. */
  readonly repacks?: (meta: SnapshotMeta) => SnapshotMeta;
  /** The clock that a lease is measured by stands still while its process does. */
  readonly clockStops?: boolean;
  /** Clocks differ by more than the lease allows for. */
  readonly clocksApart?: boolean;
  readonly mutation?: Mutation;
}

/** In ticks, as a member would answer. */
const PATIENCE = ELECTION_TICKS - 1;

/** In the core's surroundings. */
const BROKEN_PROMISES = {
  "a disk that forgets votes": { forgetsVotes: true },
  "a disk that loses synced entries": { losesSyncedEntries: true },
  "answers that leave before the sync": { answersBeforeSync: true },
  "a log compacted past the durable state": { compactsUnflushed: true },
  "a disk that keeps what is behind an overwritten entry": { keepsTail: true },
  "damaged records read without a look at the checksum": { ignoresChecksums: true },
  "heartbeats answered by the network itself": {
    forges: (message) => (message.type === "heartbeat" ? { type: "heartbeat-response", from: message.to, to: message.from, term: message.term, round: message.round, canLead: true, sentAt: message.sentAt, patience: PATIENCE } : undefined),
  },
  "refusals taken for acknowledgements": {
    tampers: (message) => (message.type === "append-response" ? { ...message, ok: true } : message),
  },
  "votes counted for every candidate": {
    tampers: (message) => (message.type === "vote-response" ? { ...message, granted: true } : message),
  },
  "a lease by a clock that stands still with its process": { clockStops: true },
  "clocks that differ by more than a lease allows for": { clocksApart: true },
  "a snapshot that drops half of a joint configuration": {
    repacks: (meta) => ({ ...meta, configuration: { servers: meta.configuration.servers } }),
  },
} as const satisfies Record<string, Breakage>;

/** In the core itself. */
const MISTAKES = {
  "an old term's entry committed by counting": { file: "leader", from: "&& state.log.term(index) === state.term", to: "" },
  "the leader's own entries counted before they are synced": { file: "leader", from: "state.log.stableIndex()", to: "state.log.lastIndex()" },
  "a vote for a candidate with an older log": { file: "election", from: "&& isUpToDate(state, request)", to: "" },
  "two votes in one term": { file: "election", from: ": state.vote === request.from", to: ": true" },
  "heartbeats that tell everyone the whole commit index": { file: "read-index", from: "Math.min(leading.peers.get(to).match, state.commit)", to: "state.commit" },
  "an append accepted without a look at what is before it": { file: "follower", from: "log.term(message.prevIndex) !== message.prevTerm", to: "message.prevIndex > log.lastIndex()" },
  "reads without a round": { file: "read-index", from: "if (decides(state) || leaseHolds(state)) {", to: "if (true) {" },
  "reads before the new leader's first commit": { file: "read-index", from: "|| state.commit < leading.noopIndex", to: "" },
  "many votes changed in one step": { file: "configuration-change", from: "votersChanged(current, target) <= 1", to: "true" },
  "a joint configuration decided by the new half alone": { file: "quorum", from: "outgoing ? [incoming, outgoing.voters] : [incoming]", to: "[incoming]" },
  "a joint configuration decided by the old half alone": { file: "quorum", from: "outgoing ? [incoming, outgoing.voters] : [incoming]", to: "[outgoing ? outgoing.voters : incoming]" },
  "a joint configuration left before it is committed": { file: "membership", from: "|| commit < history.currentIndex()", to: "" },
  "a configuration in force from its commit": { file: "configuration", from: "current: () => last().configuration", to: "current: () => history[0].configuration" },
  "a configuration that outlives its entry": { file: "follower", from: "state.history.truncate(first)", to: "undefined" },
  "a snapshot's configuration left aside": { file: "follower", from: "state.history.reset(meta.configurationIndex, meta.configuration)", to: "undefined" },
  "learners counted in the quorum": { file: "quorum", from: "servers.filter((server) => server.voter)", to: "servers" },
  "a change before the one before it is committed": { file: "membership", from: "|| history.currentIndex() > state.commit", to: "" },
  "a change before the leader's first commit": { file: "membership", from: "state.commit < leading.noopIndex || history.currentIndex() > state.commit", to: "history.currentIndex() > state.commit" },
  "an empty server that votes for one who is behind": { file: "election", from: "&& mayHelp(state, request.lastIndex)", to: "" },
  "a lease that outlives the word to take over": { file: "transfer", from: "endLease(state);", to: "" },
  "a vote by a server that has just started": { file: "core", from: "becomePatient(state);", to: "" },
  "votes against a leader that was answered": { file: "lease", from: "return state.leading !== undefined || state.patience > 0", to: "return false" },
  "a lease that begins with the answer": { file: "lease", from: "answer.sentAt +", to: "options.lease.now() +" },
  "a removed leader that stays": { file: "membership", from: "becomeFollower(state, state.term, undefined)", to: "undefined" },
} as const satisfies Record<string, Mutation>;

export const BREAKAGES: Readonly<Record<string, Breakage>> = {
  ...BROKEN_PROMISES,
  ...Object.fromEntries(Object.entries(MISTAKES).map(([name, mutation]) => [name, { mutation }])),
};
