import { jsonCodec } from "../framework/storage.js";
import type { WriteStorage } from "../framework/storage.js";

/**
 * The index of what ends when: keys sort by due time, so the active node reads only what is due, however much there is.
 * Below `core/`: `expire/<due, 13 digits of milliseconds>/<kind>/<id>`.
 */
export type ExpiryKind = "token" | "lease" | "lockout";

const DIGITS = 13;
const codec = jsonCodec<Record<string, never>>();

export function expiryKey(dueMs: number, kind: ExpiryKind, id: string): string {
  // Never a moment too early: the worker forgets an entry whose token has not ended.
  return `expire/${String(Math.max(0, Math.ceil(dueMs))).padStart(DIGITS, "0")}/${kind}/${id}`;
}

export function scheduleExpiry(storage: WriteStorage, dueMs: number, kind: ExpiryKind, id: string): void {
  storage.put(expiryKey(dueMs, kind, id), codec, {});
}

export function cancelExpiry(storage: WriteStorage, dueMs: number, kind: ExpiryKind, id: string): void {
  storage.delete(expiryKey(dueMs, kind, id));
}

export interface Due {
  readonly key: string;
  readonly dueMs: number;
  readonly kind: ExpiryKind;
  readonly id: string;
}

/** Key below `expire/` to its parts. */
export function parseExpiry(key: string): Due {
  const [due, kind, ...id] = key.split("/");
  return { key: `expire/${key}`, dueMs: Number(due), kind: kind as ExpiryKind, id: id.join("/") };
}
