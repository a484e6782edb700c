import { constants, gunzipSync, gzipSync } from "node:zlib";
import { invalid } from "../errors.js";

/** How Vault marks a stored value that it compressed: one letter, then a gzip stream. Coffer itself compresses none. */
const MARK = 0x47;
const GZIP_MAGIC = [0x1f, 0x8b];
/** A value that unpacks to more is no value of a secrets service. Bytes. */
const MAX_UNPACKED = 256 * 1024 * 1024;

export function isCompressed(bytes: Uint8Array): boolean {
  return bytes[0] === MARK && bytes[1] === GZIP_MAGIC[0] && bytes[2] === GZIP_MAGIC[1];
}

/** Throws RequestError 400 for what only looks compressed. */
export function unpack(bytes: Uint8Array): Uint8Array {
  if (!isCompressed(bytes)) return bytes;
  try {
    return gunzipSync(bytes.subarray(1), { maxOutputLength: MAX_UNPACKED });
  } catch {
    throw invalid("the value looks compressed and cannot be unpacked: read it with compressed=false");
  }
}

export function pack(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(MARK), gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION })]);
}
