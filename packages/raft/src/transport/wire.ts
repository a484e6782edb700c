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

export function toWire(message: Sendable): Partial<WireMessage> {
  const common = { type: TYPE_NAMES[message.type], from: message.from, to: message.to, term: message.term };
  switch (message.type) {
    case "pre-vote":
    case "vote":
      return { ...common, index: message.lastIndex, log_term: message.lastTerm, yes: message.force };
    case "pre-vote-response":
    case "vote-response":
      return { ...common, yes: message.granted };
    case "append":
      return { ...common, index: message.prevIndex, log_term: message.prevTerm, commit: message.commit, entries: message.entries.map((entry) => ({ index: entry.index, term: entry.term, kind: KIND_NAMES[entry.kind], data: entry.data })) };
    case "append-response":
      return { ...common, yes: message.ok, index: message.index, hint_index: message.hintIndex, hint_term: message.hintTerm, can_lead: message.canLead };
    case "heartbeat":
      return { ...common, commit: message.commit, id: message.round, sent_at: message.sentAt };
    case "heartbeat-response":
      return { ...common, id: message.round, can_lead: message.canLead, sent_at: message.sentAt, patience: message.patience };
    case "snapshot-response":
      return { ...common, yes: message.ok, index: message.index };
    case "read-index":
      return { ...common, id: message.id };
    case "read-index-response":
      return { ...common, id: message.id, yes: message.index !== undefined, index: message.index ?? 0 };
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
      return { ...common, type: "pre-vote", lastIndex: wire.index, lastTerm: wire.log_term, force: wire.yes };
    case "VOTE":
      return { ...common, type: "vote", lastIndex: wire.index, lastTerm: wire.log_term, force: wire.yes };
    case "PRE_VOTE_RESPONSE":
      return { ...common, type: "pre-vote-response", granted: wire.yes };
    case "VOTE_RESPONSE":
      return { ...common, type: "vote-response", granted: wire.yes };
    case "APPEND":
      return { ...common, type: "append", prevIndex: wire.index, prevTerm: wire.log_term, commit: wire.commit, entries: wire.entries.map(entryFromWire) };
    case "APPEND_RESPONSE":
      return { ...common, type: "append-response", ok: wire.yes, index: wire.index, hintIndex: wire.hint_index, hintTerm: wire.hint_term, canLead: wire.can_lead };
    case "HEARTBEAT":
      return { ...common, type: "heartbeat", commit: wire.commit, round: wire.id, sentAt: wire.sent_at };
    case "HEARTBEAT_RESPONSE":
      return { ...common, type: "heartbeat-response", round: wire.id, canLead: wire.can_lead, sentAt: wire.sent_at, patience: wire.patience };
    case "SNAPSHOT_RESPONSE":
      return { ...common, type: "snapshot-response", ok: wire.yes, index: wire.index };
    case "READ_INDEX":
      return { ...common, type: "read-index", id: wire.id };
    case "READ_INDEX_RESPONSE":
      return { ...common, type: "read-index-response", id: wire.id, index: wire.yes ? wire.index : undefined };
    case "TIMEOUT_NOW":
      return { ...common, type: "timeout-now" };
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
