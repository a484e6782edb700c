import type { LogIndex, VersionedValue } from "./replicated-log.js";
import { StateFormatError, decoding, newReader, newWriter, readMessage, readNumber, tag, writeNumber, BYTES, FIXED64 } from "./wire.js";

/**
 * Where things are in a replica's database. `m/…` is the replica's own, `d<epoch>/<key>` the state. A restore stages a whole
 * new state in the next epoch and then moves the epoch, which is one small record.
 */

export const META_KEY = "m/meta";
export const STAGED_KEY = "m/staged";
/** Written with sync, to make what came before it durable, and to tell what that was (sync-point.ts). */
export const SYNC_KEY = "m/sync";
const EPOCH_DIGITS = 12;
const META_FORMAT = 1;
const VERSION_BYTES = 8;
const WORD = 2 ** 32;

/** Replaced in the same batch as the effects it stands for. */
export interface StateMeta {
  /** Last entry applied. */
  readonly index: LogIndex;
  readonly term: number;
  readonly epoch: number;
  readonly nextEpoch: number;
  /** Entry that last replaced the whole state; write sets evaluated before it are void. */
  readonly flippedAt: LogIndex;
}

export const EMPTY_META: StateMeta = Object.freeze({ index: 0, term: 0, epoch: 1, nextEpoch: 2, flippedAt: 0 });

/** A restore under way. */
export interface StagedRestore {
  readonly id: string;
  readonly epoch: number;
  readonly chunks: number;
  readonly digest: Uint8Array;
}

export function epochPrefix(epoch: number): string {
  return `d${epoch.toString(16).padStart(EPOCH_DIGITS, "0")}/`;
}

/** The first key after all those that start with `prefix` (which ends in `/`): `0` follows `/`. */
export function endOfFolder(prefix: string): string {
  return `${prefix.slice(0, -1)}0`;
}

export function encodeMeta(meta: StateMeta): Uint8Array {
  const writer = newWriter();
  writeNumber(writer, 1, META_FORMAT);
  writeNumber(writer, 2, meta.index);
  writeNumber(writer, 3, meta.term);
  writeNumber(writer, 4, meta.epoch);
  writeNumber(writer, 5, meta.nextEpoch);
  writeNumber(writer, 6, meta.flippedAt);
  return writer.finish();
}

export function decodeMeta(bytes: Uint8Array): StateMeta {
  return decoding("the state's marker", () => {
    const reader = newReader(bytes);
    const numbers: (number | undefined)[] = [];
    readMessage(reader, reader.len, (next) => {
      const field = next >>> 3;
      if (next !== tag(field, FIXED64) || field < 1 || field > 6) return false;
      numbers[field] = readNumber(reader);
      return true;
    });
    const [, format, index, term, epoch, nextEpoch, flippedAt] = numbers;
    if (format !== META_FORMAT) throw new StateFormatError(`unknown format ${format}`);
    if (index === undefined || term === undefined || !epoch || !nextEpoch || flippedAt === undefined) throw new StateFormatError("a number is missing");
    return { index, term, epoch, nextEpoch, flippedAt };
  });
}

export function encodeStaged(staged: StagedRestore): Uint8Array {
  const writer = newWriter();
  writer.uint32(tag(1, BYTES)).string(staged.id);
  writeNumber(writer, 2, staged.epoch);
  writeNumber(writer, 3, staged.chunks);
  return writer.uint32(tag(4, BYTES)).bytes(staged.digest).finish();
}

export function decodeStaged(bytes: Uint8Array): StagedRestore {
  return decoding("the staged restore", () => {
    const reader = newReader(bytes);
    let [id, epoch, chunks, digest] = ["", 0, 0, new Uint8Array(0) as Uint8Array];
    readMessage(reader, reader.len, (next) => {
      if (next === tag(1, BYTES)) id = reader.string();
      else if (next === tag(2, FIXED64)) epoch = readNumber(reader);
      else if (next === tag(3, FIXED64)) chunks = readNumber(reader);
      else if (next === tag(4, BYTES)) digest = reader.bytes();
      else return false;
      return true;
    });
    if (epoch === 0) throw new StateFormatError("an epoch is missing");
    return { id, epoch, chunks, digest };
  });
}

/** A stored value: the log index that wrote it, then the bytes. */
export function encodeStored(version: LogIndex, value: Uint8Array): Uint8Array {
  const stored = Buffer.allocUnsafe(VERSION_BYTES + value.length);
  stored.writeUInt32BE(Math.floor(version / WORD), 0);
  stored.writeUInt32BE(version % WORD >>> 0, 4);
  stored.set(value, VERSION_BYTES);
  return stored;
}

export function storedVersion(stored: Uint8Array): LogIndex {
  if (stored.length < VERSION_BYTES) throw new StateFormatError("a stored value is too short");
  const high = ((stored[0]! << 24) | (stored[1]! << 16) | (stored[2]! << 8) | stored[3]!) >>> 0;
  const low = ((stored[4]! << 24) | (stored[5]! << 16) | (stored[6]! << 8) | stored[7]!) >>> 0;
  return high * WORD + low;
}

export function decodeStored(stored: Uint8Array): VersionedValue {
  return { version: storedVersion(stored), sealed: stored.subarray(VERSION_BYTES) };
}
