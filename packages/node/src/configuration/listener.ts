import type { BlockReader, BodyReader } from "@coffer/hcl";
import type { Listener, ListenerTls, TlsVersion } from "./types.js";

const MAX_REQUEST_BYTES = 32 * 1024 * 1024;
const DEFAULT_ADDRESS = "127.0.0.1:8200";
const SECONDS = { requestDuration: 90, readHeader: 10, read: 30, idle: 300 };

const TLS_VERSIONS: Readonly<Record<string, TlsVersion>> = { tls12: "TLSv1.2", tls13: "TLSv1.3", "1.2": "TLSv1.2", "1.3": "TLSv1.3" };

export function readListener({ labels, body }: BlockReader): Listener {
  const type = labels[0] ?? "tcp";
  if (type !== "tcp") body.fail("address", `listener ${JSON.stringify(type)} is not known; this version has "tcp"`);
  const [telemetry] = body.blocks("telemetry");
  const listener: Listener = {
    address: body.string("address") ?? DEFAULT_ADDRESS,
    clusterAddress: body.string("cluster_address"),
    tls: readTls(body),
    maxRequestSize: body.int("max_request_size") ?? MAX_REQUEST_BYTES,
    maxRequestDuration: body.durationSeconds("max_request_duration") ?? SECONDS.requestDuration,
    readHeaderTimeout: body.durationSeconds("http_read_header_timeout") ?? SECONDS.readHeader,
    readTimeout: body.durationSeconds("http_read_timeout") ?? SECONDS.read,
    idleTimeout: body.durationSeconds("http_idle_timeout") ?? SECONDS.idle,
    trustedProxies: body.strings("x_forwarded_for_authorized_addrs") ?? [],
    unauthenticatedMetrics: telemetry?.body.bool("unauthenticated_metrics_access") ?? false,
  };
  if (!/^(\[[0-9a-fA-F:.]+\]|[^:\s]*):\d{1,5}$/.test(listener.address)) body.fail("address", `address is host:port, not ${JSON.stringify(listener.address)}`);
  telemetry?.body.ignore("metrics_only", "disallow_metrics");
  telemetry?.body.end();
  if (body.string("proxy_protocol_behavior") !== undefined) body.fail("proxy_protocol_behavior", "the PROXY protocol is not served; let the proxy send X-Forwarded-For and set x_forwarded_for_authorized_addrs");
  body.ignore("x_forwarded_for_hop_skips", "x_forwarded_for_reject_not_present", "x_forwarded_for_reject_not_authorized", "x_forwarded_for_client_cert_header", "proxy_protocol_authorized_addrs", "http_write_timeout", "require_request_header", "profiling", "inflight_requests_logging", "custom_response_headers", "max_json_depth", "max_json_string_value_length", "max_json_object_entry_count", "max_json_array_element_count", "disable_replication_status_endpoints", "role", "cors_enabled", "cors_allowed_origins", "cors_allowed_headers", "redact_addresses", "redact_cluster_name", "redact_version", "disable_request_limiter", "enable_unauthenticated_access", "chroot_namespace");
  body.end();
  return listener;
}

function readTls(body: BodyReader): ListenerTls | undefined {
  const isDisabled = body.bool("tls_disable") ?? false;
  const certificateFile = body.string("tls_cert_file");
  const keyFile = body.string("tls_key_file");
  const ciphers = body.strings("tls_cipher_suites") ?? [];
  const requireClientCertificate = body.bool("tls_require_and_verify_client_cert") ?? false;
  const rejectsClientCertificates = body.bool("tls_disable_client_certs") ?? false;
  const clientCaFile = body.string("tls_client_ca_file");
  const minVersion = tlsVersion(body, "tls_min_version", "TLSv1.2");
  const maxVersion = tlsVersion(body, "tls_max_version", "TLSv1.3");
  body.ignore("tls_prefer_server_cipher_suites", "tls_auto_reload", "tls_key_exchange_preferences");
  if (isDisabled) return undefined;
  if (certificateFile === undefined || keyFile === undefined) return body.fail("address", "this listener needs tls_cert_file and tls_key_file, or tls_disable = true");
  if (requireClientCertificate && rejectsClientCertificates) body.fail("tls_disable_client_certs", "tls_disable_client_certs and tls_require_and_verify_client_cert contradict each other");
  if (minVersion > maxVersion) body.fail("tls_min_version", "tls_min_version is above tls_max_version");
  return { certificateFile, keyFile, minVersion, maxVersion, ciphers: ciphers.map(opensslName), clientCaFile, requireClientCertificate, acceptClientCertificates: !rejectsClientCertificates };
}

function tlsVersion(body: BodyReader, name: string, fallback: TlsVersion): TlsVersion {
  const text = body.string(name);
  if (text === undefined || text === "") return fallback;
  return TLS_VERSIONS[text] ?? body.fail(name, `${name} is "tls12" or "tls13", not ${JSON.stringify(text)}`);
}

/** TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is ECDHE-RSA-AES128-GCM-SHA256 to OpenSSL; TLS 1.3 names stay. */
function opensslName(name: string): string {
  if (!name.includes("_WITH_")) return name;
  return name.replace(/^TLS_/, "").replace("_WITH_", "_").replace(/AES_(\d+)/, "AES$1").replace(/CHACHA20_POLY1305(_SHA256)?/, "CHACHA20_POLY1305").replace(/_/g, "-");
}
