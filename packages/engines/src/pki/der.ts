/**
 * Writes DER (X.690), and nothing but writes it: reading is asn1js' (`asn1.ts`). Issuing a certificate costs about as much as
 * making and using its key; a library's tree of objects, built and walked for each certificate, would cost twice that again.
 * Here a value is encoded once, from parts that may have been encoded long before.
 */
type Bytes = Uint8Array;

/** One tag, the length, and the parts as they stand. */
export function tlv(tag: number, ...parts: readonly Bytes[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const sizeOfLength = length < 0x80 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : 5;
  const out = Buffer.allocUnsafe(1 + sizeOfLength + length);
  out[0] = tag;
  if (sizeOfLength === 1) out[1] = length;
  else {
    out[1] = 0x80 + sizeOfLength - 1;
    out.writeUIntBE(length, 2, sizeOfLength - 1);
  }
  let at = 1 + sizeOfLength;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const ascii = (text: string) => Buffer.from(text, "latin1");

export const sequence = (...parts: readonly Bytes[]): Buffer => tlv(0x30, ...parts);
/** SET OF: its members in the order of their encodings. */
export const setOf = (...parts: readonly Bytes[]): Buffer => tlv(0x31, ...(parts.length < 2 ? parts : [...parts].sort(Buffer.compare)));
export const octetString = (...parts: readonly Bytes[]): Buffer => tlv(0x04, ...parts);
export const bitString = (bytes: Bytes, unusedBits = 0): Buffer => tlv(0x03, Buffer.of(unusedBits), bytes);
export const utf8String = (text: string): Buffer => tlv(0x0c, Buffer.from(text));
export const printableString = (text: string): Buffer => tlv(0x13, ascii(text));
/** `[n]` around what has a tag of its own. */
export const explicit = (n: number, ...parts: readonly Bytes[]): Buffer => tlv(0xa0 + n, ...parts);
/** `[n]` in place of a primitive's own tag. */
export const implicit = (n: number, content: Bytes): Buffer => tlv(0x80 + n, content);
export const ia5 = ascii;
export const TRUE: Buffer = Buffer.of(0x01, 0x01, 0xff);
export const NULL: Buffer = Buffer.of(0x05, 0x00);

/** Of a number that is not negative, or of the bytes of one. */
export function integer(value: number | Bytes): Buffer {
  if (typeof value !== "number") return tlv(0x02, unsigned(value));
  const hex = value.toString(16);
  return tlv(0x02, unsigned(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex")));
}

export const enumerated = (value: number): Buffer => tlv(0x0a, Buffer.of(value));

function unsigned(bytes: Bytes): Bytes {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const trimmed = bytes.subarray(start);
  if (trimmed.length === 0) return Buffer.of(0);
  return trimmed[0]! < 0x80 ? trimmed : Buffer.concat([Buffer.of(0), trimmed]);
}

const OID = /^[0-2](\.(0|[1-9]\d{0,14}))+$/;

export const isOid = (text: string): boolean => OID.test(text) && !/^[01]\.([4-9]\d|\d{3,})/.test(text);

/** Throws for what is no object identifier: check with `isOid` what comes from outside. */
export function oid(text: string): Buffer {
  if (!isOid(text)) throw new Error(`${text} is no object identifier`);
  const [first, second, ...rest] = text.split(".").map(Number);
  const bytes: number[] = [];
  for (const arc of [first! * 40 + second!, ...rest]) {
    const septets = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) septets.unshift((left % 128) + 128);
    bytes.push(...septets);
  }
  return tlv(0x06, Buffer.from(bytes));
}

const two = (value: number) => (value < 10 ? `0${value}` : String(value));

/** Certificates that are issued within one second begin alike, and end alike. */
const MOST_TIMES = 16;
const times = new Map<number, Buffer>();

/** RFC 5280, 4.1.2.5: UTCTime through 2049, GeneralizedTime after it. Milliseconds since 1970; fractions of a second are cut. */
export function time(ms: number): Buffer {
  let encoded = times.get(ms);
  if (!encoded) {
    if (times.size >= MOST_TIMES) times.clear();
    times.set(ms, (encoded = encodeTime(ms)));
  }
  return encoded;
}

function encodeTime(ms: number): Buffer {
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  if (year < 1950 || year > 2049) return generalizedTime(ms);
  return tlv(0x17, ascii(`${two(year % 100)}${rest(date)}`));
}

export function generalizedTime(ms: number): Buffer {
  const date = new Date(ms);
  return tlv(0x18, ascii(`${String(date.getUTCFullYear()).padStart(4, "0")}${rest(date)}`));
}

const rest = (date: Date) => `${two(date.getUTCMonth() + 1)}${two(date.getUTCDate())}${two(date.getUTCHours())}${two(date.getUTCMinutes())}${two(date.getUTCSeconds())}Z`;
