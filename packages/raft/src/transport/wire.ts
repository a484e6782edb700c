import { fileURLToPath } from "node:url";
import type grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { entryBytes } from "../core/log-view.js";
import type { Entry, Message, Server, SnapshotMeta } from "../core/types.js";
import { UnknownEntryError } from "../log/record.js";

/** Versions of the protocol that this node speaks, told in every stream's metadata; a peer that speaks none of them is refused. */
export const PROTOCOL_VERSIONS: { readonly oldest: number; readonly newest: number } = Object.freeze({ oldest: 1, newest: 1 });

/** proto/raft.proto, as proto-loader gives it: numbers for uint64, absent fields as their defaults. */
export interface WireMessage {
  type: string;
  from: string;
  to: string;
  term: number;
  index: number;
  log_term: number;
  entries: { index: number; term: number; kind: string; data: Uint8Array }[];
  commit: number;
  yes: boolean;
  hint_index: number;
  hint_term: number;
  id: number;
  can_lead: boolean;
  sent_at: number;
  patience: number;
}

export interface WireFrame {
  messages: Partial<WireMessage>[];
}

export interface WireSnapshotChunk {
  header?: { from: string; sender_term: number; index: number; term: number; servers: Server[]; configuration_index: number; outgoing?: { voters: string[]; leaving: string[] } | null; transfer: string } | null;
  data?: Uint8Array;
  checksum?: number;
  last?: boolean;
  count?: number;
}

export interface WireSnapshotProgress {
  received?: number;
  done?: boolean;
  installed?: boolean;
}

type Method<Request, Answer> = grpc.MethodDefinition<Request, Answer>;

export interface RaftService extends grpc.ServiceDefinition {
  Messages: Method<WireFrame, WireFrame>;
  InstallSnapshot: Method<WireSnapshotChunk, WireSnapshotProgress>;
}

const definition = loadSync(fileURLToPath(new URL("../../../../proto/raft.proto", import.meta.url)), {
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: true,
});

export const raftService = definition["coffer.raft.v1.Raft"] as unknown as RaftService;

/** What the messages of the core travel as; a snapshot is not among them, its bytes have a stream of their own. */
export type Sendable = Exclude<Message, { type: "snapshot" }>;

const TYPE_NAMES = {
  "pre-vote": "PRE_VOTE",
  vote: "VOTE",
  "pre-vote-response": "PRE_VOTE_RESPONSE",
  "vote-response": "VOTE_RESPONSE",
  append: "APPEND",
  "append-response": "APPEND_RESPONSE",
  heartbeat: "HEARTBEAT",
  "heartbeat-response": "HEARTBEAT_RESPONSE",
  "snapshot-response": "SNAPSHOT_RESPONSE",
  "read-index": "READ_INDEX",
  "read-index-response": "READ_INDEX_RESPONSE",
  "timeout-now": "TIMEOUT_NOW",
} as const satisfies Record<Sendable["type"], string>;

const KIND_NAMES = { normal: "NORMAL", config: "CONFIG", noop: "NOOP" } as const satisfies Record<Entry["kind"], string>;
const KINDS: Readonly<Record<string, Entry["kind"]>> = { NORMAL: "normal", CONFIG: "config", NOOP: "noop" };

/** About how many bytes a message is on the wire. */
export function sizeOf(message: Sendable): number {
  return 64 + (message.type === "append" ? message.entries.reduce((sum, entry) => sum + entryBytes(entry), 0) : 0);
}

// What is common to all messages comes last: V8 takes about a microsecond for each member that is new after a spread which begins an object.
export function toWire(message: Sendable): Partial<WireMessage> {
  const common = { type: TYPE_NAMES[message.type], from: message.from, to: message.to, term: message.term };
  switch (message.type) {
    case "pre-vote":
    case "vote":
      return { index: message.lastIndex, log_term: message.lastTerm, yes: message.force, ...common };
    case "pre-vote-response":
    case "vote-response":
      return { yes: message.granted, ...common };
    case "append":
      return { index: message.prevIndex, log_term: message.prevTerm, commit: message.commit, entries: message.entries.map((entry) => ({ index: entry.index, term: entry.term, kind: KIND_NAMES[entry.kind], data: entry.data })), ...common };
    case "append-response":
      return { yes: message.ok, index: message.index, hint_index: message.hintIndex, hint_term: message.hintTerm, can_lead: message.canLead, ...common };
    case "heartbeat":
      return { commit: message.commit, id: message.round, sent_at: message.sentAt, ...common };
    case "heartbeat-response":
      return { id: message.round, can_lead: message.canLead, sent_at: message.sentAt, patience: message.patience, ...common };
    case "snapshot-response":
      return { yes: message.ok, index: message.index, ...common };
    case "read-index":
      return { id: message.id, ...common };
    case "read-index-response":
      return { id: message.id, yes: message.index !== undefined, index: message.index ?? 0, ...common };
    case "timeout-now":
      return common;
  }
}

function entryFromWire(entry: WireMessage["entries"][number]): Entry {
  const kind = KINDS[entry.kind];
  if (!kind) throw new UnknownEntryError(entry.index, entry.kind);
  return { index: entry.index, term: entry.term, kind, data: entry.data };
}

/** Undefined for a message type of a newer version: the sender's retries and timeouts deal with it. */
export function fromWire(wire: WireMessage): Sendable | undefined {
  const common = { from: wire.from, to: wire.to, term: wire.term };
  switch (wire.type) {
    case "PRE_VOTE":
      return { type: "pre-vote", lastIndex: wire.index, lastTerm: wire.log_term, force: wire.yes, ...common };
    case "VOTE":
      return { type: "vote", lastIndex: wire.index, lastTerm: wire.log_term, force: wire.yes, ...common };
    case "PRE_VOTE_RESPONSE":
      return { type: "pre-vote-response", granted: wire.yes, ...common };
    case "VOTE_RESPONSE":
      return { type: "vote-response", granted: wire.yes, ...common };
    case "APPEND":
      return { type: "append", prevIndex: wire.index, prevTerm: wire.log_term, commit: wire.commit, entries: wire.entries.map(entryFromWire), ...common };
    case "APPEND_RESPONSE":
      return { type: "append-response", ok: wire.yes, index: wire.index, hintIndex: wire.hint_index, hintTerm: wire.hint_term, canLead: wire.can_lead, ...common };
    case "HEARTBEAT":
      return { type: "heartbeat", commit: wire.commit, round: wire.id, sentAt: wire.sent_at, ...common };
    case "HEARTBEAT_RESPONSE":
      return { type: "heartbeat-response", round: wire.id, canLead: wire.can_lead, sentAt: wire.sent_at, patience: wire.patience, ...common };
    case "SNAPSHOT_RESPONSE":
      return { type: "snapshot-response", ok: wire.yes, index: wire.index, ...common };
    case "READ_INDEX":
      return { type: "read-index", id: wire.id, ...common };
    case "READ_INDEX_RESPONSE":
      return { type: "read-index-response", id: wire.id, index: wire.yes ? wire.index : undefined, ...common };
    case "TIMEOUT_NOW":
      return { type: "timeout-now", ...common };
    default:
      return undefined;
  }
}

export function headerToWire(from: string, senderTerm: number, meta: SnapshotMeta, transfer: string): NonNullable<WireSnapshotChunk["header"]> {
  const { servers, outgoing } = meta.configuration;
  return {
    transfer, from, sender_term: senderTerm, index: meta.index, term: meta.term, servers: [...servers], configuration_index: meta.configurationIndex,
    ...(outgoing && { outgoing: { voters: [...outgoing.voters], leaving: [...outgoing.leaving] } }),
  };
}

export function metaFromWire(header: NonNullable<WireSnapshotChunk["header"]>): SnapshotMeta {
  const servers = header.servers.map(({ id, address, voter }) => ({ id, address, voter }));
  const outgoing = header.outgoing ? { outgoing: { voters: header.outgoing.voters, leaving: header.outgoing.leaving } } : {};
  return { index: header.index, term: header.term, configuration: { servers, ...outgoing }, configurationIndex: header.configuration_index };
}
