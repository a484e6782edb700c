import { crc32 } from "node:zlib";
import type { Entry, EntryKind, LogIndex } from "../core/types.js";

/**
 * One log entry on disk: CRC-32 (4 bytes) over all that follows and the index, term (8), kind (1), data. All integers are
 * big-endian, so that keys sort as numbers.
 */
const HEADER_BYTES = 13;
const KINDS: readonly EntryKind[] = ["normal", "config", "noop"];

/** The log on disk is not what was written. The message says how to recover. */
export class DamagedLogError extends Error {
  override readonly name = "DamagedLogError";
  constructor(what: string) {
    super(`the raft log is damaged (${what}): remove this node from the cluster, delete its data folder and let it join again`);
  }
}

/** An entry of a kind that a newer version writes. Skipping it would make this replica another than the others. */
export class UnknownEntryError extends Error {
  override readonly name = "UnknownEntryError";
  constructor(index: LogIndex, kind: string | number) {
    super(`entry ${index} of the raft log is of kind ${kind}, which this version does not know: run the newer version again; this node stops rather than skip it`);
  }
}

const ENTRY_PREFIX = 0x65; // "e"
const WORD = 2 ** 32;

export function entryKey(index: LogIndex): Uint8Array {
  const key = Buffer.allocUnsafe(9);
  key[0] = ENTRY_PREFIX;
  // Twice as fast as one BigInt.
  key.writeUInt32BE(Math.floor(index / WORD), 1);
  key.writeUInt32BE(index % WORD, 5);
  return key;
}

export function encodeRecord(entry: Entry): Uint8Array {
  const record = Buffer.allocUnsafe(HEADER_BYTES + entry.data.length);
  record.writeBigUInt64BE(BigInt(entry.term), 4);
  record[12] = KINDS.indexOf(entry.kind);
  record.set(entry.data, HEADER_BYTES);
  record.writeUInt32BE(checksum(entry.index, record), 0);
  return record;
}

export function decodeRecord(index: LogIndex, bytes: Uint8Array): Entry {
  const record = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (record.length < HEADER_BYTES || record.readUInt32BE(0) !== checksum(index, record)) throw new DamagedLogError(`checksum of entry ${index}`);
  const kind = KINDS[record[12]!];
  if (!kind) throw new UnknownEntryError(index, record[12]!);
  return { index, term: Number(record.readBigUInt64BE(4)), kind, data: record.subarray(HEADER_BYTES) };
}

function checksum(index: LogIndex, record: Buffer): number {
  return crc32(record.subarray(4), crc32(entryKey(index)));
}

/** Small values (hard state, compaction point): CRC-32 and JSON. */
export function encodeMeta(value: unknown): Uint8Array {
  const json = Buffer.from(JSON.stringify(value));
  const record = Buffer.allocUnsafe(4 + json.length);
  record.writeUInt32BE(crc32(json), 0);
  record.set(json, 4);
  return record;
}

export function decodeMeta<T>(name: string, bytes: Uint8Array): T {
  const record = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const json = record.subarray(4);
  if (record.length < 4 || record.readUInt32BE(0) !== crc32(json)) throw new DamagedLogError(`checksum of the ${name}`);
  return JSON.parse(json.toString("utf8")) as T;
}
