import type { Configuration } from "../configuration/types.js";

/** What sys/config/state/sanitized shows: nothing secret, in the words of the configuration file. */
export function sanitizedConfiguration(configuration: Configuration): Readonly<Record<string, unknown>> {
  const { storage } = configuration;
  return {
    api_addr: configuration.apiAddress,
    cluster_addr: configuration.clusterAddress,
    cluster_name: configuration.clusterName ?? "",
    cache_size: configuration.cacheSize,
    default_lease_ttl: configuration.defaultLeaseTtl,
    max_lease_ttl: configuration.maxLeaseTtl,
    default_max_request_duration: configuration.defaultMaxRequestDuration,
    disable_mlock: true,
    enable_response_header_hostname: configuration.hostnameHeader,
    enable_response_header_raft_node_id: configuration.nodeIdHeader,
    enable_ui: configuration.ui,
    introspection_endpoint: configuration.introspection,
    log_format: configuration.logFormat,
    log_level: configuration.logLevel,
    raw_storage_endpoint: configuration.rawStorage,
    pid_file: configuration.pidFile ?? "",
    listeners: configuration.listeners.map((listener) => ({ type: "tcp", config: { address: listener.address, tls_disable: listener.tls === undefined } })),
    seals: configuration.seals.length === 0 ? [{ type: "shamir", disabled: false }] : configuration.seals.map(({ type, name, priority, disabled }) => ({ type, name, priority, disabled })),
    storage: storage.type === "raft" ? { type: "raft", cluster_addr: configuration.clusterAddress, redirect_addr: configuration.apiAddress, raft: { path: storage.path, node_id: storage.nodeId } } : { type: storage.type, cluster_addr: "", redirect_addr: configuration.apiAddress, disable_clustering: false },
    telemetry: { prometheus_retention_time: configuration.telemetry.prometheusRetention, disable_hostname: configuration.telemetry.disableHostname, enable_hostname_label: configuration.telemetry.enableHostnameLabel },
  };
}
