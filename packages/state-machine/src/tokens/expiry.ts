import { jsonCodec } from "../framework/storage.js";
import type { WriteStorage } from "../framework/storage.js";

/**
 * The index of what ends when: keys sort by due time, so the active node reads only what is due, however much there is.
 * Below `core/`: `expire/<due, 13 digits of milliseconds>/<kind>/<id>`.
 */
export type ExpiryKind =
  | "token"
  | "lease"
  /** A login that waits for its second factor. */
  | "login"
  /** An authorization code of an OIDC client. */
  | "code"
  /** Failed logins that no longer count. */
  | "lockout"
  /** Begun by a request that is not known to have ended. */
  | "intent"
  /** A revoked token whose descendants are still to be taken away. */
  | "tree"
  /** A token that was revoked alone, whose children are still to become orphans. */
  | "orphans"
  /** A token that is gone, whose leases are still to be ended. */
  | "owner"
  /** A revocation by prefix that is under way. */
  | "sweep"
  /** A tidy operation that is under way. */
  | "tidy";

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
