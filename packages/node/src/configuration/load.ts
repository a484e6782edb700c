import { readdirSync, readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { HclError, parseHcl, readBody } from "@coffer/hcl";
import type { BlockReader, Body, BodyReader } from "@coffer/hcl";
import { readListener } from "./listener.js";
import { readStorage } from "./storage.js";
import type { AuditDeviceConfiguration, Configuration, SealConfiguration, Telemetry } from "./types.js";

/** The configuration cannot be used; the message is for the operator. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

const DEFAULT_LEASE_TTL = 768 * 3600;
const DEFAULT_REQUEST_DURATION = 90;
const DEFAULT_CACHE_SIZE = 131_072;

/** Reads files, and the *.hcl and *.json of folders, as one configuration. Throws HclError or ConfigurationError. */
export function loadConfiguration(paths: readonly string[], environment: Readonly<Record<string, string | undefined>> = process.env): Configuration {
  const files = paths.flatMap(filesOf);
  if (files.length === 0) throw new ConfigurationError(`no configuration file in ${paths.join(", ")}`);
  const bodies = files.map((file) => parseHcl(readFileSync(file, "utf8"), file));
  const merged: Body = { items: bodies.flatMap((body) => body.items), file: files[0]!, at: { line: 1, column: 1 } };
  try {
    return readConfiguration(readBody(merged), environment);
  } catch (error) {
    // Of several files, the one that holds the place is named.
    if (error instanceof HclError && bodies.length > 1) {
      const owner = bodies.find((body) => JSON.stringify(body.items).includes(JSON.stringify(error.at)));
      throw owner ? new HclError(owner.file, error.at, error.problem) : error;
    }
    throw error;
  }
}

function filesOf(path: string): string[] {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch {
    throw new ConfigurationError(`cannot read the configuration ${path}: no such file or folder`);
  }
  if (!isFolder) return [path];
  return readdirSync(path).filter((name) => /\.(hcl|json)$/.test(name)).sort().map((name) => join(path, name));
}

function readConfiguration(body: BodyReader, environment: Readonly<Record<string, string | undefined>>): Configuration {
  const listeners = body.blocks("listener").map(readListener);
  const storage = readStorage([...body.blocks("storage"), ...body.blocks("ha_storage")], environment);
  const [first] = listeners;
  if (!first) throw new ConfigurationError('the configuration has no listener: add listener "tcp" { address = "127.0.0.1:8200" … }');
  const scheme = first.tls ? "https" : "http";
  const apiAddress = environment["VAULT_API_ADDR"] ?? body.string("api_addr") ?? `${scheme}://${reachable(first.address)}`;
  body.ignore("api_addr");
  const clusterAddress = environment["VAULT_CLUSTER_ADDR"] ?? body.string("cluster_addr") ?? nextPort(apiAddress);
  body.ignore("cluster_addr");
  const configuration: Configuration = {
    listeners,
    storage,
    seal: readSeal(body.blocks("seal")),
    telemetry: readTelemetry(body.blocks("telemetry")),
    auditDevices: [...body.blocks("audit_device"), ...body.blocks("audit")].map(readAuditDevice),
    apiAddress,
    clusterAddress: clusterAddress.includes("://") ? clusterAddress : `https://${clusterAddress}`,
    clusterName: body.string("cluster_name"),
    defaultLeaseTtl: body.durationSeconds("default_lease_ttl") || DEFAULT_LEASE_TTL,
    maxLeaseTtl: body.durationSeconds("max_lease_ttl") || DEFAULT_LEASE_TTL,
    defaultMaxRequestDuration: body.durationSeconds("default_max_request_duration") || DEFAULT_REQUEST_DURATION,
    logLevel: (environment["VAULT_LOG_LEVEL"] ?? body.string("log_level") ?? "info").toLowerCase(),
    logFormat: readLogFormat(body, environment),
    logFile: body.string("log_file"),
    pidFile: body.string("pid_file"),
    ui: body.bool("ui") ?? false,
    cacheSize: body.int("cache_size") ?? DEFAULT_CACHE_SIZE,
    hostnameHeader: body.bool("enable_response_header_hostname") ?? false,
    nodeIdHeader: body.bool("enable_response_header_raft_node_id") ?? false,
  };
  // Accepted so that Vault's files work: this process neither locks memory nor loads plugins.
  body.ignore("log_level", "log_format", "disable_mlock", "disable_cache", "disable_clustering", "plugin_directory", "plugin_tmpdir", "plugin_file_uid", "plugin_file_permissions", "raw_storage_endpoint", "introspection_endpoint", "disable_sealwrap", "disable_performance_standby", "disable_printable_check", "log_rotate_duration", "log_rotate_bytes", "log_rotate_max_files", "log_requests_level", "detect_deadlocks", "imprecise_lease_role_tracking", "enable_post_unseal_trace", "license_path", "entropy", "kms_library", "service_registration", "user_lockout", "experiments", "disable_indexing");
  body.end();
  if (configuration.defaultLeaseTtl > configuration.maxLeaseTtl) body.fail("default_lease_ttl", "default_lease_ttl is greater than max_lease_ttl");
  return configuration;
}

function readLogFormat(body: BodyReader, environment: Readonly<Record<string, string | undefined>>): "standard" | "json" {
  const format = (environment["VAULT_LOG_FORMAT"] ?? body.string("log_format") ?? "standard").toLowerCase();
  if (format === "json" || format === "standard" || format === "") return format === "json" ? "json" : "standard";
  return body.fail("log_format", `log_format is "standard" or "json", not ${JSON.stringify(format)}`);
}

/** Others do not reach an address that means "every interface". */
function reachable(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\])?:/, `${hostname()}:`);
}

function nextPort(url: string): string {
  const parsed = new URL(url);
  return `https://${parsed.hostname}:${Number(parsed.port || (parsed.protocol === "https:" ? 443 : 80)) + 1}`;
}

function readSeal(blocks: readonly BlockReader[]): SealConfiguration {
  const [block] = blocks;
  if (!block) return { type: "shamir" };
  const type = block.labels[0] ?? "";
  if (type === "shamir") return { type };
  const options = block.body.stringMap();
  if (type === "awskms") return { type, options };
  throw new ConfigurationError(`seal ${JSON.stringify(type)} is not known; this version has shamir (the default)`);
}

function readTelemetry([block]: readonly BlockReader[]): Telemetry {
  const body = block?.body;
  const telemetry: Telemetry = {
    prometheusRetention: body?.durationSeconds("prometheus_retention_time") ?? 86_400,
    disableHostname: body?.bool("disable_hostname") ?? false,
    enableHostnameLabel: body?.bool("enable_hostname_label") ?? false,
  };
  body?.ignore("usage_gauge_period", "maximum_gauge_cardinality", "statsite_address", "statsd_address", "metrics_prefix", "dogstatsd_addr", "dogstatsd_tags", "lease_metrics_epsilon", "num_lease_metrics_buckets", "add_lease_metrics_namespace_labels", "filter_default", "prefix_filter", "rollback_metrics_include_mount_point");
  body?.end();
  return telemetry;
}

/** `audit_device "file" { path = "…" }`, or `audit "file" "name" { options { file_path = "…" } }`. */
function readAuditDevice({ labels, body }: BlockReader): AuditDeviceConfiguration {
  const type = labels[0] ?? "file";
  const description = body.string("description") ?? "";
  const [nested] = body.blocks("options");
  const flat: Record<string, string> = {};
  for (const name of ["path", "file_path", "log_raw", "hmac_accessor", "mode", "format", "prefix", "elide_list_responses", "fallback", "filter"]) {
    const value = name === "log_raw" || name === "hmac_accessor" || name === "elide_list_responses" || name === "fallback" ? body.bool(name) : body.string(name);
    if (value !== undefined) flat[name] = String(value);
  }
  body.ignore("local");
  body.end();
  const options = { ...flat, ...nested?.body.stringMap() };
  if (options["path"] !== undefined && options["file_path"] === undefined) {
    options["file_path"] = options["path"];
    delete options["path"];
  }
  return { path: `${labels[1] ?? type}/`, type, description, options };
}
