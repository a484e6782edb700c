import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";

/** Request headers that audit records carry, by lower-case name; no other header is ever recorded. */
export type AuditedHeaders = Readonly<Record<string, { readonly hmac: boolean }>>;

const KEY = "config/auditing/request-headers";
const codec = jsonCodec<AuditedHeaders>();
const NONE: AuditedHeaders = Object.freeze({});

/** Both take storage scoped to `core/`. */
export function auditedHeaders(storage: ReadStorage): AuditedHeaders {
  return storage.get(KEY, codec) ?? NONE;
}

/** Undefined settings: the header is no longer recorded. */
export function setAuditedHeader(storage: WriteStorage, name: string, settings: { readonly hmac: boolean } | undefined): void {
  const { [name.toLowerCase()]: _, ...others } = auditedHeaders(storage);
  storage.put(KEY, codec, settings ? { ...others, [name.toLowerCase()]: settings } : others);
}
