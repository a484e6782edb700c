import type { Message } from "../core/types.js";
import { ELECTION_TICKS, TICK_MS } from "./member.js";
import type { WireSnapshotChunk } from "../transport/wire.js";
import type { Mutation } from "./mutation.js";

/** A deliberate fault that the simulator must notice: a promise to a member that its surroundings break, or a mistake in the shipped code. */
export interface Breakage {
  /** A crash takes votes with it. */
  readonly forgetsVotes?: boolean;
  readonly losesSyncedEntries?: boolean;
  /** What the network makes of a message. */
  readonly tampers?: (message: Message) => Message;
  /** What the network answers by itself, be the receiver reachable or not. */
  readonly forges?: (message: Message) => Message | undefined;
  /** What becomes of a snapshot's description on the way. */
  readonly repacks?: (header: Header) => Header;
  /** The clock that a lease is measured by stands still while its process does. */
  readonly clockStops?: boolean;
  /** Clocks differ by more than the lease allows for. */
  readonly clocksApart?: boolean;
  readonly mutations?: readonly Mutation[];
}

type Header = NonNullable<WireSnapshotChunk["header"]>;

/** In milliseconds, as a member would answer. */
const PATIENCE = (ELECTION_TICKS - 1) * TICK_MS;

/** In a member's surroundings. */
const BROKEN_PROMISES = {
  "a disk that forgets votes": { forgetsVotes: true },
  "a disk that loses synced entries": { losesSyncedEntries: true },
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
    repacks: ({ outgoing: _, ...header }) => header,
  },
} as const satisfies Record<string, Breakage>;

/** In what surrounds the core and ships with it. */
const HOST_MISTAKES: Readonly<Record<string, readonly Mutation[]>> = {
  "answers that leave before the sync": [{ folder: "host", file: "persistence", from: "await log.write(work);", to: "port.send(work.messages); await log.write(work);" }],
  "a server alone that leads at once, whoever led before": [{ folder: "host", file: "host", from: " && core.status().vote === id && core.status().configurationIndex === FOUNDING", to: "" }],
  "a log compacted past the durable state": [{ folder: "host", file: "compaction", from: "await port.machineTurns.run(() => machine.flush())", to: "machine.appliedIndex()" }],
  "a log that keeps what is behind an overwritten entry": [{ folder: "log", file: "durable-log", from: 'batch.push({ type: "del", key: entryKey(i) })', to: "undefined" }],
  "damaged entries read without a look at the checksum": [{ folder: "log", file: "record", from: "record.readUInt32BE(0) !== checksum(index, record)", to: "false" }],
  "a hard state read without a look at the checksum": [{ folder: "log", file: "record", from: "record.readUInt32BE(0) !== crc32(json)", to: "false" }],
  "a state sent without its servers": [{ folder: "transport", file: "wire", from: "servers: [...servers], configuration_index", to: "servers: [], configuration_index" }],
  "a state sent with an older configuration's index": [{ folder: "transport", file: "wire", from: "configuration_index: meta.configurationIndex", to: "configuration_index: 0" }],
  "a transfer that goes on in the wrong place": [{ folder: "snapshot", file: "send", from: "kept = kept.slice(number - first)", to: "kept = kept.slice(number - first + 1)" }],
  "chunks of a state taken without a look at their checksum": [{ folder: "snapshot", file: "receive", from: "crc32(data) !== chunk.checksum", to: "false" }],
  "chunks of a state taken without a look at their number": [{ folder: "snapshot", file: "receive", from: "number > received", to: "false" }],
  "a state that ends where its stream does": [{ folder: "snapshot", file: "receive", from: "chunk.count !== received", to: "false" }, { folder: "host", file: "snapshot-install", from: 'found.stopWaiting = port.after(RESUME_MS, () => found.incoming.giveUp("the stream broke, and no other followed"));', to: "void found.incoming.take({ last: true });" }],
  "an install that is not announced": [{ folder: "host", file: "snapshot-install", from: "await log.expectSnapshot(meta);", to: "" }],
  "a log that begins anew before the state does": [{ folder: "host", file: "snapshot-install", from: "await machine.installSnapshot(meta, incoming.chunks);", to: "await port.persistence.reset(meta); await machine.installSnapshot(meta, incoming.chunks);" }],
  "an announcement believed without a look at the state": [{ folder: "host", file: "opening", from: "if (log.expected?.index === index && log.expected.term === term)", to: "if (log.expected)" }, { folder: "host", file: "opening", from: "if (log.term(index) === term)\n        return undefined;", to: "if (log.term(index) === term && !log.expected)\n        return undefined;" }],
  "a state used before it is whole again": [{ folder: "host", file: "opening", from: "await applyAgain(log, machine, settingsOf(options).maxEntriesBytesPerMessage, logger);", to: "" }],
  "a transfer whose leader is deposed waited for": [{ folder: "host", file: "snapshot-install", from: "port.status().term <= found.senderTerm", to: "true" }, { folder: "host", file: "snapshot-install", from: "if (senderTerm < found.senderTerm || (senderTerm === found.senderTerm && found.call))", to: "if (true)" }],
};

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

export const AROUND_THE_CORE: Readonly<Record<string, Breakage>> = {
  ...BROKEN_PROMISES,
  ...Object.fromEntries(Object.entries(HOST_MISTAKES).map(([name, mutations]) => [name, { mutations }])),
};

export const BREAKAGES: Readonly<Record<string, Breakage>> = {
  ...AROUND_THE_CORE,
  ...Object.fromEntries(Object.entries(MISTAKES).map(([name, mutation]) => [name, { mutations: [mutation] }])),
};
