/** The encoding of SSH (RFC 4251, section 5). */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

export function string(value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value as Uint8Array);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** A positive number, big-endian, without leading zeros but the one that keeps it positive. */
export function mpint(value: Uint8Array): Buffer {
  const first = value.findIndex((byte) => byte !== 0);
  const bare = first === -1 ? Buffer.alloc(0) : Buffer.from(value.subarray(first));
  return string(bare.length > 0 && bare[0]! >= 0x80 ? Buffer.concat([Buffer.alloc(1), bare]) : bare);
}

/** All strings of a blob; undefined where it does not end with one. */
export function readStrings(blob: Buffer): readonly Buffer[] | undefined {
  const strings: Buffer[] = [];
  let at = 0;
  while (at < blob.length) {
    if (at + 4 > blob.length) return undefined;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    strings.push(blob.subarray(at + 4, end));
    at = end;
  }
  return strings;
}
