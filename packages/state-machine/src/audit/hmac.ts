import { createHmac } from "node:crypto";
import { isPlainObject } from "../framework/document.js";

export function auditHmac(salt: string, value: string): string {
  return `hmac-sha256:${createHmac("sha256", salt).update(value).digest("hex")}`;
}

/** Every string below `value` becomes its HMAC, but for those under a key in `clear`. Numbers and booleans stay. */
export function hashStrings(salt: string, value: unknown, clear: readonly string[] = []): unknown {
  if (typeof value === "string") return auditHmac(salt, value);
  if (Array.isArray(value)) return value.map((item) => hashStrings(salt, item, clear));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, clear.includes(key) ? item : hashStrings(salt, item, clear)]));
}
