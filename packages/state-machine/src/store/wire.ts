import protobuf from "protobufjs/minimal.js";
import type { Reader, Writer } from "protobufjs/minimal.js";

/** Pieces of the protobuf wire format that entries and snapshots share. The schema is proto/state.proto. */

const WORD = 2 ** 32;
export const FIXED64 = 1;
export const BYTES = 2;

/** Bytes of the log or of a snapshot that this version cannot read. Never skip such a thing: stop. */
export class StateFormatError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "StateFormatError";
  }
}

export function newWriter(): Writer {
  return protobuf.Writer.create();
}

/** Strings decode and bytes slice fastest from a Buffer, so the reader always sees one. */
export function newReader(bytes: Uint8Array): Reader {
  return protobuf.Reader.create(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

export function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}

/** A fixed64 by halves: whole numbers up to 2^53 need no Long. */
export function writeNumber(writer: Writer, field: number, value: number): void {
  writer.uint32(tag(field, FIXED64)).fixed32(value % WORD >>> 0).fixed32(Math.floor(value / WORD));
}

export function readNumber(reader: Reader): number {
  const low = reader.fixed32();
  const value = reader.fixed32() * WORD + low;
  if (!Number.isSafeInteger(value)) throw new StateFormatError("a number beyond 2^53");
  return value;
}

/** Reads the fields of one message of `length` bytes; `field` must consume each, or return false for one it does not know. */
export function readMessage(reader: Reader, length: number, field: (tag: number) => boolean): void {
  const end = reader.pos + length;
  if (end > reader.len) throw new StateFormatError("a message longer than its frame");
  while (reader.pos < end) {
    const next = reader.uint32();
    if (!field(next)) throw new StateFormatError(`unknown field ${next >>> 3}`);
  }
  if (reader.pos !== end) throw new StateFormatError("a field longer than its message");
}

/** Runs a decoder; whatever it stumbles over is a StateFormatError. */
export function decoding<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new StateFormatError(`${what} cannot be read: ${error instanceof Error ? error.message : "malformed"}`);
  }
}
