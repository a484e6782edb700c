import type { Secret } from "./secret.js";

type Pick = (secret: Secret) => unknown;

const AUTH: Readonly<Record<string, string>> = {
  token: "client_token",
  token_accessor: "accessor",
  token_duration: "lease_duration",
  token_renewable: "renewable",
  token_policies: "token_policies",
  identity_policies: "identity_policies",
  policies: "policies",
};

const WRAP: Readonly<Record<string, string>> = {
  wrapping_token: "token",
  wrapping_accessor: "accessor",
  wrapping_token_ttl: "ttl",
  wrapping_token_creation_time: "creation_time",
  wrapping_token_creation_path: "creation_path",
  wrapped_accessor: "wrapped_accessor",
};

const ENVELOPE: Readonly<Record<string, Pick>> = {
  lease_duration: (secret) => secret.leaseDuration,
  refresh_interval: (secret) => secret.leaseDuration,
  lease_id: (secret) => secret.leaseId,
  request_id: (secret) => secret.requestId,
  renewable: (secret) => secret.renewable,
  data: (secret) => secret.data?.["data"] ?? secret.data,
};

/** What -field=NAME means for this answer: the names of the table come before the names of the data. */
export function secretField(secret: Secret, field: string): unknown {
  if (secret.auth !== undefined) return Object.hasOwn(AUTH, field) ? secret.auth[AUTH[field] ?? ""] : secret.data?.[field];
  if (secret.wrapInfo !== undefined) return Object.hasOwn(WRAP, field) ? secret.wrapInfo[WRAP[field] ?? ""] : secret.data?.[field];
  return Object.hasOwn(ENVELOPE, field) ? ENVELOPE[field]?.(secret) : secret.data?.[field];
}
