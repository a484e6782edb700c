import type { BodyReader, Item } from "@coffer/hcl";

/** A key that Vault knows and this version does nothing with. */
export interface NoEffect {
  /** Values that ask for what happens anyway. */
  readonly unless?: readonly (string | number | boolean)[];
  /** What happens instead, where that matters. */
  readonly why?: string;
}

export type NoEffectTable = Readonly<Record<string, NoEffect>>;

const OFF: NoEffect = { unless: [false, "false", ""] };
const ON: NoEffect = { unless: [true, "true"] };
const NONE: NoEffect = {};

/** Keys of the file itself. */
export const SERVER_NO_EFFECT: NoEffectTable = {
  disable_mlock: { ...ON, why: "memory is not locked: turn swap off or encrypt it" },
  disable_cache: OFF,
  disable_clustering: OFF,
  disable_sealwrap: ON,
  disable_performance_standby: OFF,
  disable_standby_reads: OFF,
  disable_printable_check: OFF,
  entropy: { why: "randomness comes from the operating system" },
  service_registration: { why: "this node registers itself nowhere" },
  plugin_directory: { why: "plugins are not loaded" },
  plugin: { why: "plugins are not loaded" },
  kms_library: { why: "PKCS#11 is not spoken" },
  log_requests_level: NONE,
  log_rotate_bytes: { why: "rotate the log from outside and send SIGHUP" },
  log_rotate_duration: { why: "rotate the log from outside and send SIGHUP" },
  log_rotate_max_files: { why: "rotate the log from outside and send SIGHUP" },
  unsafe_allow_api_audit_creation: NONE,
  allow_audit_log_prefixing: NONE,
  administrative_namespace_path: { why: "there are no namespaces" },
  reporting: NONE,
  initialize: { why: "initialise with operator init" },
};

/** Accepted without a word: nothing that an operator sees or relies on depends on them. */
export const SERVER_HARMLESS = ["plugin_tmpdir", "plugin_file_uid", "plugin_file_permissions", "detect_deadlocks", "imprecise_lease_role_tracking", "enable_post_unseal_trace", "post_unseal_trace_directory", "license_path", "experiments", "disable_indexing", "disable_sentinel_trace"] as const;

export const LISTENER_NO_EFFECT: NoEffectTable = {
  x_forwarded_for_hop_skips: { unless: [0, "0"], why: "the address is the last one that no trusted proxy has" },
  x_forwarded_for_reject_not_present: { ...OFF, why: "a request without X-Forwarded-For is served" },
  x_forwarded_for_reject_not_authorized: { ...OFF, why: "X-Forwarded-For of others is not believed, and their request is served" },
  x_forwarded_for_client_cert_header: { why: "client certificates are taken from the connection only" },
  x_forwarded_for_client_cert_header_decoders: NONE,
  proxy_protocol_authorized_addrs: { why: "the PROXY protocol is not spoken" },
  http_write_timeout: { unless: [0, "0", "0s"] },
  require_request_header: { ...OFF, why: "requests without X-Vault-Request are served" },
  profiling: { why: "profiles are not served" },
  inflight_requests_logging: { why: "requests in flight are shown to those with a token only" },
  custom_response_headers: { why: "these headers are not sent" },
  max_json_depth: NONE,
  max_json_string_value_length: NONE,
  max_json_object_entry_count: NONE,
  max_json_array_element_count: NONE,
  max_request_json_memory: NONE,
  max_request_json_strings: NONE,
  disable_replication_status_endpoints: OFF,
  disable_request_limiter: OFF,
  cors_enabled: { ...OFF, why: "set sys/config/cors" },
  cors_allowed_origins: { why: "set sys/config/cors" },
  cors_allowed_headers: { why: "set sys/config/cors" },
  cors_allow_credentials: { ...OFF, why: "set sys/config/cors" },
  redact_addresses: { ...OFF, why: "addresses are shown to everybody" },
  redact_cluster_name: { ...OFF, why: "the cluster's name is shown to everybody" },
  redact_version: { ...OFF, why: "the version is shown to everybody" },
  tls_key_exchange_preferences: NONE,
  enable_unauthenticated_access: NONE,
};

export const LISTENER_HARMLESS = ["tls_prefer_server_cipher_suites", "tls_auto_reload"] as const;

export const LISTENER_TELEMETRY_NO_EFFECT: NoEffectTable = { disallow_metrics: { ...OFF, why: "this listener serves metrics" } };

export const RAFT_NO_EFFECT: NoEffectTable = {
  max_entry_size: { why: "the size of an entry is limited by max_request_size" },
};

export const RAFT_HARMLESS = ["snapshot_interval", "autopilot_reconcile_interval", "autopilot_update_interval", "raft_log_verifier_enabled", "raft_log_verification_interval", "raft_wal"] as const;

const ELSEWHERE = "metrics are served at sys/metrics only";

export const TELEMETRY_NO_EFFECT: NoEffectTable = {
  statsd_address: { why: ELSEWHERE },
  statsite_address: { why: ELSEWHERE },
  dogstatsd_addr: { why: ELSEWHERE },
  dogstatsd_tags: { why: ELSEWHERE },
  stackdriver_project_id: { why: ELSEWHERE },
  circonus_api_token: { why: ELSEWHERE },
  metrics_prefix: { unless: ["vault"], why: "metrics begin with vault_" },
  filter_default: ON,
  prefix_filter: { why: "all metrics are served" },
};

export const TELEMETRY_HARMLESS = ["usage_gauge_period", "maximum_gauge_cardinality", "lease_metrics_epsilon", "num_lease_metrics_buckets", "add_lease_metrics_namespace_labels", "add_mount_point_rollback_metrics", "rollback_metrics_include_mount_point", "stackdriver_location", "stackdriver_namespace", "stackdriver_debug_logs", "circonus_api_app", "circonus_api_url"] as const;

export const AUDIT_NO_EFFECT: NoEffectTable = { local: OFF };

/** One line for each of the table's keys that the body has, "FILE:LINE: key … has no effect in this version". */
export function noEffectWarnings(body: BodyReader, table: NoEffectTable): string[] {
  return Object.entries(table).flatMap(([name, { unless = [], why }]) =>
    body
      .items(name)
      .filter((item) => !asksForNothing(item, unless))
      .map((item) => `${item.file}:${item.at.line}: key ${name} has no effect in this version${why ? `: ${why}` : ""}`),
  );
}

function asksForNothing(item: Item, unless: NonNullable<NoEffect["unless"]>): boolean {
  if (item.kind === "block") return false;
  const { value } = item;
  if (value.kind === "null") return true;
  return (value.kind === "string" || value.kind === "number" || value.kind === "bool") && unless.includes(value.value);
}
