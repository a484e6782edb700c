import { recordOf } from "../framework/json.js";
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
  if (secret.wrapInfo !== undefined) out.set("wrap_info", pick({ wrapped_accessor: "", ...secret.wrapInfo }, WRAP));
  return out;
}

/** These keys of a record in this order; a key that is missing is null. */
export function pick(record: Readonly<Record<string, unknown>>, keys: readonly string[]): Map<string, unknown> {
  return new Map(keys.map((key) => [key, record[key] ?? null]));
}

const MOUNT = ["uuid", "type", "description", "accessor", "config", "options", "local", "seal_wrap", "external_entropy_access"] as const;
const MOUNT_REST = ["plugin_version", "running_plugin_version", "running_sha256", "deprecation_status"] as const;
const MOUNT_CONFIG = ["default_lease_ttl", "max_lease_ttl", "force_no_cache"] as const;
const SEAL_STATUS = [
  ...["type", "initialized", "sealed", "t", "n", "progress", "nonce", "version", "commit_date", "build_date", "migration", "cluster_name", "cluster_id"],
  ...["recovery_seal", "storage_type", "ha_enabled", "is_self", "active_time", "leader_address", "leader_cluster_address"],
  ...["raft_committed_index", "raft_applied_index"],
] as const;

/** Mounts by path, each with its keys in the CLI's order. */
export function orderedMounts(mounts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(mounts).map(([path, raw]) => {
      const mount = recordOf(raw) ?? {};
      const ordered = pick({ deprecation_status: "", ...mount }, [...MOUNT, ...MOUNT_REST]);
      ordered.set("config", leading(recordOf(mount["config"]) ?? {}, MOUNT_CONFIG));
      return [path, ordered];
    }),
  );
}

/** What sys/key-status says, in the CLI's order. */
export function orderedKeyStatus(status: Readonly<Record<string, unknown>>): Map<string, unknown> {
  return leading(status, ["term", "install_time", "encryptions"]);
}

const MEMBER = ["hostname", "api_address", "cluster_address", "active_node", "last_echo", "version", "upgrade_version"] as const;

/** The nodes of sys/ha-status as the CLI prints them, under the name that it has for them. */
export function orderedMembers(nodes: readonly unknown[]): Record<string, unknown> {
  return { Nodes: nodes.map((node) => leading(recordOf(node) ?? {}, MEMBER)) };
}

/** A seal status in the CLI's order; what is empty or unknown to an unclustered server is left out. */
export function orderedSealStatus(status: Readonly<Record<string, unknown>>): Map<string, unknown> {
  const all: Readonly<Record<string, unknown>> = { build_date: "", ...status };
  const shown = Object.entries(all).filter(([key, value]) => !Object.hasOwn(STATUS_OMITTED, key) || (value !== "" && value !== 0 && value !== false));
  return leading(Object.fromEntries(shown), SEAL_STATUS);
}

const STATUS_OMITTED = { is_self: true, leader_address: true, leader_cluster_address: true, raft_committed_index: true, raft_applied_index: true };

/** These keys first, as far as they are there, then the others as they came. */
function leading(record: Readonly<Record<string, unknown>>, keys: readonly string[]): Map<string, unknown> {
  const first = keys.filter((key) => key in record);
  const rest = Object.keys(record).filter((key) => !keys.includes(key));
  return new Map([...first, ...rest].map((key) => [key, record[key]]));
}
