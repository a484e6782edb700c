import type { RequestError } from "../errors.js";
import { stringifyDocument } from "../framework/document.js";
import type { EnvelopeResponse, WireAuth } from "../framework/response.js";
import type { ApiResponse } from "./api.js";

export interface WrapInfo {
  readonly token: string;
  readonly accessor: string;
  readonly ttl: number;
  /** RFC 3339. */
  readonly creation_time: string;
  readonly creation_path: string;
  readonly wrapped_accessor?: string;
}

/** What the pipeline made of a handler's answer: everything that goes over the wire. */
export interface Sealed {
  readonly response: EnvelopeResponse;
  readonly auth: WireAuth | null;
  readonly lease: { readonly id: string; readonly renewable: boolean; readonly durationSeconds: number } | undefined;
  readonly wrapInfo: WrapInfo | null;
  readonly warnings: readonly string[];
  readonly mountType: string;
}

const NO_HEADERS = Object.freeze({});
const JSON_TYPE = "application/json";
const NO_LEASE = '"lease_id":"","renewable":false,"lease_duration":0';

/** The envelope as text; its keys are always all there, in Vault's order. */
export function envelopeText(requestId: string, sealed: Sealed): string {
  if (sealed.wrapInfo) return wrappedText(sealed.wrapInfo);
  const { response, auth, lease, warnings, mountType } = sealed;
  const data = response.data === null ? "null" : stringifyDocument(response.data);
  const dual = response.dual && response.data ? stringifyDocument(withoutEnvelopeKeys(response.data)).slice(1, -1) : "";
  const leased = lease ? `"lease_id":${JSON.stringify(lease.id)},"renewable":${lease.renewable},"lease_duration":${lease.durationSeconds}` : NO_LEASE;
  // What most answers have none of is written here as it stands: a conversion of nothing costs as much as one of something.
  return (
    `{"request_id":${JSON.stringify(requestId)},${leased},"data":${data},"wrap_info":null,` +
    `"warnings":${warnings.length > 0 ? JSON.stringify(warnings) : "null"},"auth":${auth ? JSON.stringify(auth) : "null"},` +
    `"mount_type":${JSON.stringify(mountType)}${dual === "" ? "" : `,${dual}`}}\n`
  );
}

/** Of a wrapped answer nobody learns more than where it went. */
export function wrappedText(wrapInfo: WrapInfo): string {
  return `{"request_id":"","lease_id":"","renewable":false,"lease_duration":0,"data":null,"wrap_info":${JSON.stringify(wrapInfo)},"warnings":null,"auth":null,"mount_type":""}\n`;
}

const ENVELOPE_KEYS = new Set(["request_id", "lease_id", "renewable", "lease_duration", "data", "wrap_info", "warnings", "auth", "mount_type"]);

function withoutEnvelopeKeys(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).filter(([key]) => !ENVELOPE_KEYS.has(key)));
}

export function envelopeResponse(requestId: string, sealed: Sealed, index: number): ApiResponse {
  const { response, auth, lease, wrapInfo, warnings } = sealed;
  const isEmpty = response.data === null && !auth && !lease && !wrapInfo && warnings.length === 0;
  if (isEmpty) return { status: response.status ?? 204, headers: NO_HEADERS, contentType: "", body: null, index };
  return { status: response.status ?? 200, headers: NO_HEADERS, contentType: JSON_TYPE, body: envelopeText(requestId, sealed), index };
}

export function errorResponse(error: RequestError, index: number): ApiResponse {
  return { status: error.status, headers: NO_HEADERS, contentType: JSON_TYPE, body: `${JSON.stringify({ errors: error.messages, ...error.extra })}\n`, index };
}

/** A read or list that found nothing. */
export function missResponse(index: number, warnings: readonly string[]): ApiResponse {
  const body = warnings.length > 0 ? { errors: [], warnings } : { errors: [] };
  return { status: 404, headers: NO_HEADERS, contentType: JSON_TYPE, body: `${JSON.stringify(body)}\n`, index };
}
