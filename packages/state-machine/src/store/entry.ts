import type { Reader, Writer } from "protobufjs/minimal.js";
import type { LogIndex } from "./replicated-log.js";
import { BYTES, FIXED64, StateFormatError, decoding, newReader, newWriter, readMessage, readNumber, tag, writeNumber } from "./wire.js";

/** A key and its stored bytes (sealed, except for the few keys the barrier cannot seal). */
export type EntryRecord = readonly [key: string, value: Uint8Array];

/** What one request writes, as one replicated entry. What it has read was checked before it was proposed (`commits.ts`). */
export interface WriteSet {
  readonly kind: "write";
  /** Log index of the view it was evaluated at: it is void if the whole state was replaced later. */
  readonly base: LogIndex;
  readonly puts: readonly EntryRecord[];
  readonly deletes: readonly string[];
}

/** Replacing the whole state through the log, so that every replica switches at the same entry. */
export type RestoreEntry =
  | { readonly kind: "restore-begin"; readonly id: string }
  | { readonly kind: "restore-chunk"; readonly id: string; readonly seq: number; readonly records: readonly EntryRecord[] }
  | { readonly kind: "restore-commit"; readonly id: string; readonly chunks: number; readonly digest: Uint8Array };

export type StateEntry = WriteSet | RestoreEntry;

const WRITE = 1;
const RESTORE_BEGIN = 2;
const RESTORE_CHUNK = 3;
const RESTORE_COMMIT = 4;

function writeRecord(writer: Writer, field: number, [key, value]: EntryRecord): void {
  writer.uint32(tag(field, BYTES)).fork();
  writer.uint32(tag(1, BYTES)).string(key).uint32(tag(2, BYTES)).bytes(value).ldelim();
}

function writeWriteSet(writer: Writer, entry: WriteSet): void {
  writeNumber(writer, 1, entry.base);
  for (const record of entry.puts) writeRecord(writer, 3, record);
  for (const key of entry.deletes) writer.uint32(tag(4, BYTES)).string(key);
}

export function encodeEntry(entry: StateEntry): Uint8Array {
  const writer = newWriter();
  switch (entry.kind) {
    case "write":
      writer.uint32(tag(WRITE, BYTES)).fork();
      writeWriteSet(writer, entry);
      break;
    case "restore-begin":
      writer.uint32(tag(RESTORE_BEGIN, BYTES)).fork().uint32(tag(1, BYTES)).string(entry.id);
      break;
    case "restore-chunk":
      writer.uint32(tag(RESTORE_CHUNK, BYTES)).fork().uint32(tag(1, BYTES)).string(entry.id);
      writeNumber(writer, 2, entry.seq);
      for (const record of entry.records) writeRecord(writer, 3, record);
      break;
    case "restore-commit":
      writer.uint32(tag(RESTORE_COMMIT, BYTES)).fork().uint32(tag(1, BYTES)).string(entry.id);
      writeNumber(writer, 2, entry.chunks);
      writer.uint32(tag(3, BYTES)).bytes(entry.digest);
      break;
  }
  return writer.ldelim().finish();
}

/** Also used for snapshots, whose records look the same. */
export function readRecord(reader: Reader): EntryRecord {
  let key = "";
  let value: Uint8Array = new Uint8Array(0);
  readMessage(reader, reader.uint32(), (next) => {
    if (next === tag(1, BYTES)) key = reader.string();
    else if (next === tag(2, BYTES)) value = reader.bytes();
    else return false;
    return true;
  });
  if (key === "") throw new StateFormatError("a record without a key");
  return [key, value];
}

function readWriteSet(reader: Reader): WriteSet {
  let base = 0;
  const puts: EntryRecord[] = [];
  const deletes: string[] = [];
  readMessage(reader, reader.uint32(), (next) => {
    if (next === tag(1, FIXED64)) base = readNumber(reader);
    else if (next === tag(3, BYTES)) puts.push(readRecord(reader));
    else if (next === tag(4, BYTES)) deletes.push(reader.string());
    else return false;
    return true;
  });
  return { kind: "write", base, puts, deletes };
}

function readRestore(reader: Reader, kind: RestoreEntry["kind"]): RestoreEntry {
  let id = "";
  let count = 0;
  let digest: Uint8Array = new Uint8Array(0);
  const records: EntryRecord[] = [];
  readMessage(reader, reader.uint32(), (next) => {
    if (next === tag(1, BYTES)) id = reader.string();
    else if (next === tag(2, FIXED64) && kind !== "restore-begin") count = readNumber(reader);
    else if (next === tag(3, BYTES) && kind === "restore-chunk") records.push(readRecord(reader));
    else if (next === tag(3, BYTES) && kind === "restore-commit") digest = reader.bytes();
    else return false;
    return true;
  });
  if (kind === "restore-begin") return { kind, id };
  return kind === "restore-chunk" ? { kind, id, seq: count, records } : { kind, id, chunks: count, digest };
}

function readEntry(reader: Reader): StateEntry {
  const kind = reader.uint32();
  if (kind === tag(WRITE, BYTES)) return readWriteSet(reader);
  if (kind === tag(RESTORE_BEGIN, BYTES)) return readRestore(reader, "restore-begin");
  if (kind === tag(RESTORE_CHUNK, BYTES)) return readRestore(reader, "restore-chunk");
  if (kind === tag(RESTORE_COMMIT, BYTES)) return readRestore(reader, "restore-commit");
  throw new StateFormatError(`unknown kind ${kind >>> 3}`);
}

/** Throws StateFormatError for anything this version does not know: a replica that skipped it would drift from the others. */
export function decodeEntry(bytes: Uint8Array): StateEntry {
  return decoding("a log entry", () => {
    const reader = newReader(bytes);
    const entry = readEntry(reader);
    if (reader.pos !== reader.len) throw new StateFormatError("bytes after its end");
    return entry;
  });
}
