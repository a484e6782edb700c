import type { Readable } from "node:stream";
import type { RequestError } from "../errors.js";

/** What a login or a token creation hands out; the pipeline makes the token from it in the same write set. */
export interface AuthGrant {
  readonly policies: readonly string[];
  readonly noDefaultPolicy?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly displayName: string;
  /** Seconds; 0 or absent: the mount's default. */
  readonly ttlSeconds?: number;
  readonly maxTtlSeconds?: number;
  readonly explicitMaxTtlSeconds?: number;
  readonly periodSeconds?: number;
  readonly numUses?: number;
  readonly renewable: boolean;
  readonly orphan?: boolean;
  readonly tokenType?: "default" | "service" | "batch";
  readonly boundCidrs?: readonly string[];
  /** The external identity, for entity aliases; `customMetadata` is what the role says of it, beside what operators do. */
  readonly alias?: { readonly name: string; readonly metadata?: Readonly<Record<string, string>>; readonly customMetadata?: Readonly<Record<string, string>> };
  readonly groupAliases?: readonly string[];
  /** Kept with the token for the engine's renewal check and the quotas of roles; never shown. */
  readonly internalData?: Readonly<Record<string, unknown>>;
}

/** A leased secret: `kind` names the engine's declaration that knows how to renew and revoke it. */
export interface SecretGrant {
  readonly kind: string;
  readonly ttlSeconds?: number;
  readonly maxTtlSeconds?: number;
  readonly renewable: boolean;
  /** What revocation needs to know; stored with the lease, never shown. */
  readonly internalData: Readonly<Record<string, unknown>>;
}

/** The `auth` member of an envelope, as it goes over the wire. */
export interface WireAuth {
  client_token: string;
  accessor: string;
  /** Null for a login that waits for its second factor. */
  policies: readonly string[] | null;
  token_policies?: readonly string[];
  identity_policies?: readonly string[];
  metadata: Readonly<Record<string, string>> | null;
  lease_duration: number;
  renewable: boolean;
  entity_id: string;
  token_type: "service" | "batch" | "default";
  orphan: boolean;
  mfa_requirement: unknown;
  num_uses: number;
}

/** The usual answer: an envelope. `data` null with nothing else set is 204. */
export interface EnvelopeResponse {
  readonly kind: "envelope";
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly warnings?: readonly string[];
  readonly secret?: SecretGrant;
  readonly grant?: AuthGrant;
  /** Already made (token create, renew): passes through. */
  readonly auth?: WireAuth;
  /** Lease fields already known (sys/leases/renew). */
  readonly lease?: { readonly id: string; readonly renewable: boolean; readonly durationSeconds: number };
  /** Default 200, or 204 without content. */
  readonly status?: number;
  /** Members of `data` stand at the top level too, as for many sys/ answers. */
  readonly dual?: boolean;
}

/** A JSON object without an envelope (sys/health, sys/init, …). */
export interface PlainResponse {
  readonly kind: "plain";
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly audited?: AuditedBody;
}

/** Bytes of another type: metrics text, a snapshot, a CRL. */
export interface RawResponse {
  readonly kind: "raw";
  readonly status: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string | Readable;
  readonly audited?: AuditedBody;
}

/** What audit devices record of an answer that is no envelope, hidden as they hide everything. Absent: nothing of its body. */
export interface AuditedBody {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly auth?: Readonly<Record<string, unknown>> | null;
  readonly wrapInfo?: Readonly<Record<string, unknown>> | null;
}

/** The caller gets the error, and yet what was written stands: a guess has to be counted. */
export interface Refusal {
  readonly kind: "refusal";
  readonly error: RequestError;
}

export type Response = EnvelopeResponse | PlainResponse | RawResponse | Refusal;

/** 204. */
export const NO_CONTENT: EnvelopeResponse = Object.freeze({ kind: "envelope", data: null });

export function data(body: Readonly<Record<string, unknown>>, more: Omit<EnvelopeResponse, "kind" | "data"> = {}): EnvelopeResponse {
  return { kind: "envelope", data: body, ...more };
}

/** The answer to a list operation: `{keys: […]}`. An empty list is a miss (404), as in Vault. */
export function keyList(keys: readonly string[], keyInfo?: Readonly<Record<string, unknown>>): EnvelopeResponse | undefined {
  if (keys.length === 0) return undefined;
  return data(keyInfo ? { keys, key_info: keyInfo } : { keys });
}

export function plain(body: Readonly<Record<string, unknown>>, status = 200): PlainResponse {
  return { kind: "plain", status, body };
}

export function raw(body: RawResponse["body"], contentType: string, status = 200, headers: Readonly<Record<string, string>> = {}): RawResponse {
  return { kind: "raw", status, contentType, body, headers };
}

export function refusal(error: RequestError): Refusal {
  return { kind: "refusal", error };
}
