import protobuf from "protobufjs/minimal.js";
import type { Reader, Writer } from "protobufjs/minimal.js";
import { entryBytes } from "../core/log-view.js";
import type { Entry, Message, NodeId } from "../core/types.js";
import { UnknownEntryError } from "../log/record.js";

/**
 * The frames of proto/raft.proto, written and read field by field: every read of a client waits for two of them, and every write, and
 * plain objects in between cost more than the bytes.
 */

/** What the messages of the core travel as; a snapshot is not among them, its bytes have a stream of their own. */
export type Sendable = Exclude<Message, { type: "snapshot" }>;

const TYPES = {
  "pre-vote": 1, vote: 2, "pre-vote-response": 3, "vote-response": 4, append: 5, "append-response": 6, heartbeat: 7,
  "heartbeat-response": 8, "snapshot-response": 9, "read-index": 10, "read-index-response": 11, "timeout-now": 12,
} as const satisfies Record<Sendable["type"], number>;

const KINDS: readonly Entry["kind"][] = ["normal", "config", "noop"];

const MESSAGES = 1;
/** Of Message. */
const FIELD = { type: 1, from: 2, to: 3, term: 4, index: 5, logTerm: 6, entries: 7, commit: 8, yes: 9, hintIndex: 10, hintTerm: 11, id: 12, canLead: 13, sentAt: 14, patience: 15 } as const;
const ENTRY = { index: 1, term: 2, kind: 3, data: 4 } as const;

const VARINT = 0;
const DOUBLE = 1;
const BYTES = 2;
const WORD = 2 ** 32;
const NO_DATA = Buffer.alloc(0);

/** About how many bytes a message is on the wire. */
export function sizeOf(message: Sendable): number {
  return 64 + (message.type === "append" ? message.entries.reduce((sum, entry) => sum + entryBytes(entry), 0) : 0);
}

/** As proto3 has it, zero is not written. */
function putNumber(writer: Writer, field: number, value: number): void {
  if (value === 0) return;
  writer.uint32((field << 3) | VARINT);
  if (value < WORD) writer.uint32(value);
  else writer.uint64(value);
}

function putFlag(writer: Writer, field: number, value: boolean): void {
  if (value) writer.uint32((field << 3) | VARINT).bool(true);
}

function putDouble(writer: Writer, field: number, value: number): void {
  if (value !== 0) writer.uint32((field << 3) | DOUBLE).double(value);
}

function putEntry(writer: Writer, entry: Entry): void {
  writer.uint32((FIELD.entries << 3) | BYTES).fork();
  putNumber(writer, ENTRY.index, entry.index);
  putNumber(writer, ENTRY.term, entry.term);
  putNumber(writer, ENTRY.kind, KINDS.indexOf(entry.kind));
  writer.uint32((ENTRY.data << 3) | BYTES).bytes(entry.data).ldelim();
}

function putBody(writer: Writer, message: Sendable): void {
  switch (message.type) {
    case "pre-vote":
    case "vote":
      putNumber(writer, FIELD.index, message.lastIndex);
      putNumber(writer, FIELD.logTerm, message.lastTerm);
      return putFlag(writer, FIELD.yes, message.force);
    case "pre-vote-response":
    case "vote-response":
      return putFlag(writer, FIELD.yes, message.granted);
    case "append":
      putNumber(writer, FIELD.index, message.prevIndex);
      putNumber(writer, FIELD.logTerm, message.prevTerm);
      for (const entry of message.entries) putEntry(writer, entry);
      return putNumber(writer, FIELD.commit, message.commit);
    case "append-response":
      putNumber(writer, FIELD.index, message.index);
      putFlag(writer, FIELD.yes, message.ok);
      putNumber(writer, FIELD.hintIndex, message.hintIndex);
      putNumber(writer, FIELD.hintTerm, message.hintTerm);
      return putFlag(writer, FIELD.canLead, message.canLead);
    case "heartbeat":
      putNumber(writer, FIELD.commit, message.commit);
      putNumber(writer, FIELD.id, message.round);
      return putDouble(writer, FIELD.sentAt, message.sentAt);
    case "heartbeat-response":
      putNumber(writer, FIELD.id, message.round);
      putFlag(writer, FIELD.canLead, message.canLead);
      putDouble(writer, FIELD.sentAt, message.sentAt);
      return putDouble(writer, FIELD.patience, message.patience);
    case "snapshot-response":
      putNumber(writer, FIELD.index, message.index);
      return putFlag(writer, FIELD.yes, message.ok);
    case "read-index":
      return putNumber(writer, FIELD.id, message.id);
    case "read-index-response":
      putNumber(writer, FIELD.index, message.index ?? 0);
      putFlag(writer, FIELD.yes, message.index !== undefined);
      return putNumber(writer, FIELD.id, message.id);
    case "timeout-now":
      return;
  }
}

export function encodeFrame(messages: readonly Sendable[]): Buffer {
  const writer = protobuf.Writer.create();
  for (const message of messages) {
    writer.uint32((MESSAGES << 3) | BYTES).fork();
    writer.uint32((FIELD.type << 3) | VARINT).uint32(TYPES[message.type]);
    writer.uint32((FIELD.from << 3) | BYTES).string(message.from).uint32((FIELD.to << 3) | BYTES).string(message.to);
    putNumber(writer, FIELD.term, message.term);
    putBody(writer, message);
    writer.ldelim();
  }
  return writer.finish() as Buffer;
}

/** A varint up to 2^53; the library's own reader makes an object of each. */
function readNumber(reader: Reader): number {
  let value = 0;
  for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
    if (reader.pos >= reader.len) break;
    const byte = reader.buf[reader.pos++]!;
    value += (byte & 127) * scale;
    if (byte < 128 && Number.isSafeInteger(value)) return value;
  }
  throw new RangeError("a number beyond 2^53, or cut short");
}

function endOf(reader: Reader): number {
  const end = reader.uint32() + reader.pos;
  if (end > reader.len) throw new RangeError("a message longer than its frame");
  return end;
}

function readEntry(reader: Reader): Entry {
  const end = endOf(reader);
  let [index, term, kind]: number[] = [0, 0, 0];
  let data: Uint8Array = NO_DATA;
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag >>> 3) {
      case ENTRY.index: index = readNumber(reader); break;
      case ENTRY.term: term = readNumber(reader); break;
      case ENTRY.kind: kind = reader.uint32(); break;
      case ENTRY.data: data = reader.bytes(); break;
      default: reader.skipType(tag & 7);
    }
  }
  const known = KINDS[kind!];
  if (!known) throw new UnknownEntryError(index!, kind!);
  return { index: index!, term: term!, kind: known, data };
}

/** All fields of a message as they were found; which of them count depends on the type. */
interface Fields {
  type: number;
  from: string;
  to: string;
  term: number;
  index: number;
  logTerm: number;
  entries: Entry[];
  commit: number;
  yes: boolean;
  hintIndex: number;
  hintTerm: number;
  id: number;
  canLead: boolean;
  sentAt: number;
  patience: number;
}

function readFields(reader: Reader): Fields {
  const end = endOf(reader);
  const fields: Fields = { type: 0, from: "", to: "", term: 0, index: 0, logTerm: 0, entries: [], commit: 0, yes: false, hintIndex: 0, hintTerm: 0, id: 0, canLead: false, sentAt: 0, patience: 0 };
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag >>> 3) {
      case FIELD.type: fields.type = reader.uint32(); break;
      case FIELD.from: fields.from = reader.string(); break;
      case FIELD.to: fields.to = reader.string(); break;
      case FIELD.term: fields.term = readNumber(reader); break;
      case FIELD.index: fields.index = readNumber(reader); break;
      case FIELD.logTerm: fields.logTerm = readNumber(reader); break;
      case FIELD.entries: fields.entries.push(readEntry(reader)); break;
      case FIELD.commit: fields.commit = readNumber(reader); break;
      case FIELD.yes: fields.yes = reader.bool(); break;
      case FIELD.hintIndex: fields.hintIndex = readNumber(reader); break;
      case FIELD.hintTerm: fields.hintTerm = readNumber(reader); break;
      case FIELD.id: fields.id = readNumber(reader); break;
      case FIELD.canLead: fields.canLead = reader.bool(); break;
      case FIELD.sentAt: fields.sentAt = reader.double(); break;
      case FIELD.patience: fields.patience = reader.double(); break;
      default: reader.skipType(tag & 7);
    }
  }
  return fields;
}

/** Undefined for a message type of a newer version: the sender's retries and timeouts deal with it. */
function toMessage({ type, from, to, term, index, logTerm, entries, commit, yes, hintIndex, hintTerm, id, canLead, sentAt, patience }: Fields): Sendable | undefined {
  switch (type) {
    case TYPES["pre-vote"]:
      return { type: "pre-vote", from, to, term, lastIndex: index, lastTerm: logTerm, force: yes };
    case TYPES.vote:
      return { type: "vote", from, to, term, lastIndex: index, lastTerm: logTerm, force: yes };
    case TYPES["pre-vote-response"]:
      return { type: "pre-vote-response", from, to, term, granted: yes };
    case TYPES["vote-response"]:
      return { type: "vote-response", from, to, term, granted: yes };
    case TYPES.append:
      return { type: "append", from, to, term, prevIndex: index, prevTerm: logTerm, commit, entries };
    case TYPES["append-response"]:
      return { type: "append-response", from, to, term, ok: yes, index, hintIndex, hintTerm, canLead };
    case TYPES.heartbeat:
      return { type: "heartbeat", from, to, term, commit, round: id, sentAt };
    case TYPES["heartbeat-response"]:
      return { type: "heartbeat-response", from, to, term, round: id, canLead, sentAt, patience };
    case TYPES["snapshot-response"]:
      return { type: "snapshot-response", from, to, term, ok: yes, index };
    case TYPES["read-index"]:
      return { type: "read-index", from, to, term, id };
    case TYPES["read-index-response"]:
      return { type: "read-index-response", from, to, term, id, index: yes ? index : undefined };
    case TYPES["timeout-now"]:
      return { type: "timeout-now", from, to, term };
    default:
      return undefined;
  }
}

/**
 * The messages of a frame; those of another sender than `from` and of unknown types are left out. Throws UnknownEntryError for an
 * entry that must not be skipped, and RangeError or Error for what is no frame.
 */
export function decodeFrame(bytes: Uint8Array, from: NodeId): Sendable[] {
  const reader = protobuf.Reader.create(bytes);
  const messages: Sendable[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 !== MESSAGES) {
      reader.skipType(tag & 7);
      continue;
    }
    const message = toMessage(readFields(reader));
    if (message?.from === from) messages.push(message);
  }
  return messages;
}
