import { RequestError } from "../errors.js";

/** Longest storage key, in UTF-16 units. */
const MAX_KEY_LENGTH = 4096;
const LONE_SURROGATE = /[\uD800-\uDFFF]/u;
const SURROGATE_FIRST = 0xd800;

/** Keys sort by their UTF-8 bytes, as on disk; that differs from the order of JavaScript only beyond U+D7FF. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    if (x >= SURROGATE_FIRST && y >= SURROGATE_FIRST) return Buffer.compare(Buffer.from(a), Buffer.from(b));
    return x - y;
  }
  return a.length - b.length;
}

/** Refuses what could not be stored under its own name. */
export function checkKey(key: string): void {
  if (key === "" || key.startsWith("/") || key.length > MAX_KEY_LENGTH || LONE_SURROGATE.test(key)) throw new RequestError("invalid_request", "invalid path");
}
