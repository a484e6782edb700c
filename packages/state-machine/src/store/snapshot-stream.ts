import { createHash } from "node:crypto";
import { readRecord } from "./entry.js";
import type { EntryRecord } from "./entry.js";
import { BYTES, FIXED64, StateFormatError, decoding, newReader, newWriter, readMessage, readNumber, tag, writeNumber } from "./wire.js";

/** A snapshot as bytes: records behind their lengths, a header first and a count with a checksum last. Not encrypted by itself: every secret value in it already is. */

const FORMAT = 1;
const CHUNK_BYTES = 1024 * 1024;
/** Far above any value a request can write; keeps a garbled length from eating the memory. */
const MAX_RECORD_BYTES = 128 * 1024 * 1024;
const MAX_LENGTH_BYTES = 5;

export interface SnapshotHeader {
  readonly meta: Uint8Array;
  /** Empty unless a restore is under way. */
  readonly staged: Uint8Array;
}

type Frame =
  | { readonly kind: "header"; readonly header: SnapshotHeader }
  | { readonly kind: "record"; readonly record: EntryRecord }
  | { readonly kind: "end"; readonly count: number; readonly sha256: Uint8Array };

function framed(body: Uint8Array): Uint8Array[] {
  return [newWriter().uint32(body.length).finish(), body];
}

function encodeHeader(header: SnapshotHeader): Uint8Array {
  const writer = newWriter().uint32(tag(1, BYTES)).fork();
  writeNumber(writer, 1, FORMAT);
  return writer.uint32(tag(2, BYTES)).bytes(header.meta).uint32(tag(3, BYTES)).bytes(header.staged).ldelim().finish();
}

function encodeRecord([key, value]: EntryRecord): Uint8Array {
  return newWriter().uint32(tag(2, BYTES)).fork().uint32(tag(1, BYTES)).string(key).uint32(tag(2, BYTES)).bytes(value).ldelim().finish();
}

function encodeEnd(count: number, sha256: Uint8Array): Uint8Array {
  const writer = newWriter().uint32(tag(3, BYTES)).fork();
  writeNumber(writer, 1, count);
  return writer.uint32(tag(2, BYTES)).bytes(sha256).ldelim().finish();
}

/** The stream, cut into chunks of at most 1 MiB. Records may lie across chunks. */
export async function* writeSnapshot(header: SnapshotHeader, records: AsyncIterable<EntryRecord>): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash("sha256");
  let parts: Uint8Array[] = [];
  let size = 0;
  let count = 0;
  const add = (pieces: readonly Uint8Array[]) => {
    for (const piece of pieces) {
      hash.update(piece);
      parts.push(piece);
      size += piece.length;
    }
  };
  function* full(): Generator<Uint8Array> {
    if (size < CHUNK_BYTES) return;
    const all = Buffer.concat(parts, size);
    let from = 0;
    for (; size - from >= CHUNK_BYTES; from += CHUNK_BYTES) yield all.subarray(from, from + CHUNK_BYTES);
    parts = [all.subarray(from)];
    size -= from;
  }

  add(framed(encodeHeader(header)));
  for await (const record of records) {
    add(framed(encodeRecord(record)));
    count++;
    yield* full();
  }
  const digest = hash.copy().digest();
  add(framed(encodeEnd(count, digest)));
  yield* full();
  if (size > 0) yield Buffer.concat(parts, size);
}

function decodeFrame(body: Uint8Array): Frame {
  const reader = newReader(body);
  const kind = reader.uint32();
  if (kind === tag(2, BYTES)) return { kind: "record", record: readRecord(reader) };
  if (kind !== tag(1, BYTES) && kind !== tag(3, BYTES)) throw new StateFormatError(`unknown kind ${kind >>> 3}`);
  let number = 0;
  let [first, second]: Uint8Array[] = [new Uint8Array(0), new Uint8Array(0)];
  readMessage(reader, reader.uint32(), (next) => {
    if (next === tag(1, FIXED64)) number = readNumber(reader);
    else if (next === tag(2, BYTES)) first = reader.bytes();
    else if (next === tag(3, BYTES) && kind === tag(1, BYTES)) second = reader.bytes();
    else return false;
    return true;
  });
  if (reader.pos !== reader.len) throw new StateFormatError("bytes after its end");
  if (kind === tag(3, BYTES)) return { kind: "end", count: number, sha256: first! };
  if (number !== FORMAT) throw new StateFormatError(`unknown format ${number}`);
  return { kind: "header", header: { meta: first!, staged: second! } };
}

/** The length at `bytes[0…]` and how long it is itself; undefined when more bytes are needed. */
function readLength(bytes: Uint8Array): { readonly length: number; readonly size: number } | undefined {
  let length = 0;
  for (let i = 0; i < MAX_LENGTH_BYTES; i++) {
    const byte = bytes[i];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) {
      if (length > MAX_RECORD_BYTES) break;
      return { length, size: i + 1 };
    }
  }
  throw new StateFormatError("a snapshot record is too long");
}

/** Cuts a stream of chunks into frames; `raw` is the frame with its length. */
async function* readFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<{ readonly raw: Uint8Array; readonly body: Uint8Array }> {
  let waiting: Uint8Array[] = [];
  let size = 0;
  let needed = 1;
  for await (const chunk of chunks) {
    waiting.push(chunk);
    size += chunk.length;
    if (size < needed) continue;
    let buffer: Uint8Array = waiting.length === 1 ? chunk : Buffer.concat(waiting, size);
    needed = 1;
    for (;;) {
      const prefix = readLength(buffer);
      if (!prefix) break;
      const end = prefix.size + prefix.length;
      if (buffer.length < end) {
        needed = end;
        break;
      }
      yield { raw: buffer.subarray(0, end), body: buffer.subarray(prefix.size, end) };
      buffer = buffer.subarray(end);
    }
    waiting = [buffer];
    size = buffer.length;
  }
  if (size > 0) throw new StateFormatError("the snapshot ends in the middle of a record");
}

/**
 * Reads a stream back. Throws StateFormatError for anything out of shape, cut short or altered, but possibly only after many records were
 * yielded: keep them apart until it ends.
 */
export async function* readSnapshot(chunks: AsyncIterable<Uint8Array>, onHeader: (header: SnapshotHeader) => void): AsyncGenerator<EntryRecord, void, undefined> {
  const hash = createHash("sha256");
  let count = 0;
  let place: "start" | "records" | "end" = "start";
  for await (const { raw, body } of readFrames(chunks)) {
    const frame = decoding("a snapshot record", () => decodeFrame(body));
    if (place === "end" || (place === "start") !== (frame.kind === "header")) throw new StateFormatError("the snapshot's records are out of order");
    if (frame.kind === "end") {
      if (frame.count !== count || Buffer.compare(frame.sha256, hash.digest()) !== 0) throw new StateFormatError("the snapshot does not match its checksum");
      place = "end";
      continue;
    }
    hash.update(raw);
    if (frame.kind === "header") {
      onHeader(frame.header);
      place = "records";
    } else {
      count++;
      yield frame.record;
    }
  }
  if (place !== "end") throw new StateFormatError("the snapshot is incomplete");
}
