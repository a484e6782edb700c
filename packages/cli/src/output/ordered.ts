import type { Secret } from "../framework/secret.js";

const AUTH = ["client_token", "accessor", "policies", "token_policies", "identity_policies", "metadata", "orphan", "entity_id", "lease_duration", "renewable", "mfa_requirement"] as const;
const WRAP = ["token", "accessor", "ttl", "creation_time", "creation_path", "wrapped_accessor"] as const;

/** A secret with its keys in the order in which Vault's CLI prints them. */
export function orderedSecret(secret: Secret): Map<string, unknown> {
  const out = new Map<string, unknown>([
    ["request_id", secret.requestId],
    ["lease_id", secret.leaseId],
    ["lease_duration", secret.leaseDuration],
    ["renewable", secret.renewable],
    ["data", secret.data ?? null],
    ["warnings", secret.warnings.length === 0 ? null : secret.warnings],
  ]);
  if (secret.auth !== undefined) out.set("auth", pick(secret.auth, AUTH));
  if (secret.wrapInfo !== undefined) out.set("wrap_info", pick(secret.wrapInfo, WRAP));
  return out;
}

/** These keys of a record in this order; a key that is missing is null. */
export function pick(record: Readonly<Record<string, unknown>>, keys: readonly string[]): Map<string, unknown> {
  return new Map(keys.map((key) => [key, record[key] ?? null]));
}
