const HEADER_BYTES = 8;

/** A security identifier as text, `S-1-5-21-…`; undefined for bytes that are none. Source: MS-DTYP 2.4.2. */
export function sidText(bytes: Buffer): string | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const count = bytes[1]!;
  if (bytes.length !== HEADER_BYTES + count * 4) return undefined;
  const parts = Array.from({ length: count }, (_, i) => bytes.readUInt32LE(HEADER_BYTES + i * 4));
  return ["S", bytes[0], bytes.readUIntBE(2, 6), ...parts].join("-");
}
