import { BlockList, isIP } from "node:net";
import type { BlockReader, BodyReader } from "@coffer/hcl";
import { LISTENER_HARMLESS, LISTENER_NO_EFFECT, LISTENER_TELEMETRY_NO_EFFECT, noEffectWarnings } from "./no-effect.js";
import { opensslCipher } from "./tls-ciphers.js";
import type { Listener, ListenerTls, TlsVersion } from "./types.js";

const MAX_REQUEST_BYTES = 32 * 1024 * 1024;
const DEFAULT_ADDRESS = "127.0.0.1:8200";
const SECONDS = { readHeader: 10, read: 30, idle: 300 };
const MAX_PORT = 65_535;

const TLS_VERSIONS: Readonly<Record<string, TlsVersion>> = { tls12: "TLSv1.2", tls13: "TLSv1.3", "1.2": "TLSv1.2", "1.3": "TLSv1.3" };

/** `maxRequestDuration`: seconds, for a listener that does not say. Adds to `warnings` what has no effect. */
export function readListener({ labels, body, fail }: BlockReader, maxRequestDuration: number, warnings: string[]): Listener {
  const type = labels[0] ?? "tcp";
  if (type !== "tcp" || labels.length > 1) fail(`listener ${labels.map((label) => JSON.stringify(label)).join(" ")} is not known; this version has "tcp"`);
  const rest = {
    address: hostAndPort(body, "address") ?? DEFAULT_ADDRESS,
    clusterAddress: hostAndPort(body, "cluster_address"),
    maxRequestSize: readMaxRequestSize(body),
    maxRequestDuration: body.durationSeconds("max_request_duration") || maxRequestDuration,
    readHeaderTimeout: body.durationSeconds("http_read_header_timeout") ?? SECONDS.readHeader,
    readTimeout: body.durationSeconds("http_read_timeout") ?? SECONDS.read,
    idleTimeout: body.durationSeconds("http_idle_timeout") ?? SECONDS.idle,
    trustedProxies: readTrustedProxies(body),
    unauthenticatedMetrics: readTelemetry(body, warnings),
    tokenOnly: readTokenOnly(body),
  };
  const tls = readTls(body);
  refuseWhatOpensDoors(body);
  warnings.push(...noEffectWarnings(body, LISTENER_NO_EFFECT));
  body.ignore(...LISTENER_HARMLESS);
  // A misspelt key before what is missing: it may be the one that is missed.
  body.end();
  if (tls === "incomplete") return fail("this listener needs tls_cert_file and tls_key_file, or tls_disable = true");
  return { ...rest, tls };
}

function hostAndPort(body: BodyReader, name: string): string | undefined {
  const text = body.string(name);
  if (text === undefined || text === "") return undefined;
  if (text.includes("{{")) body.fail(name, `${name} is a template; this version takes host:port only`);
  const port = /^(?:\[[0-9a-fA-F:.%a-z]+\]|[^:\s[\]]*):(\d{1,5})$/.exec(text)?.[1];
  if (port === undefined || Number(port) > MAX_PORT) body.fail(name, `${name} takes host:port, such as "0.0.0.0:8200", not ${JSON.stringify(text)}`);
  return text;
}

/** Zero and less: no limit. */
function readMaxRequestSize(body: BodyReader): number {
  const bytes = body.int("max_request_size") ?? MAX_REQUEST_BYTES;
  return bytes > 0 ? bytes : Number.MAX_SAFE_INTEGER;
}

function readTrustedProxies(body: BodyReader): readonly string[] {
  const name = "x_forwarded_for_authorized_addrs";
  const entries = body.strings(name) ?? [];
  for (const entry of entries) if (!isNetwork(entry)) body.fail(name, `${name} takes addresses and CIDRs such as "10.0.0.0/8", not ${JSON.stringify(entry)}`);
  return entries;
}

function isNetwork(text: string): boolean {
  if (isIP(text)) return true;
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const family = isIP(match?.[1] ?? "");
  if (!match || !family) return false;
  try {
    new BlockList().addSubnet(match[1]!, Number(match[2]), family === 6 ? "ipv6" : "ipv4");
    return true;
  } catch {
    return false;
  }
}

function readTokenOnly(body: BodyReader): readonly string[] {
  return [
    ...(body.bool("disable_unauthed_rekey_endpoints") ? ["sys/rekey/", "sys/rekey-recovery-key/"] : []),
    ...(body.bool("disable_unauthed_generate_root_endpoints") ? ["sys/generate-root/"] : []),
  ];
}

/** Whether metrics need no token. */
function readTelemetry(body: BodyReader, warnings: string[]): boolean {
  const [telemetry, second] = body.blocks("telemetry");
  second?.fail("one telemetry block in a listener is enough");
  if (!telemetry) return false;
  if (telemetry.body.bool("metrics_only")) telemetry.body.fail("metrics_only", "a listener for metrics alone is not built: it would serve everything");
  const isOpen = telemetry.body.bool("unauthenticated_metrics_access") ?? false;
  warnings.push(...noEffectWarnings(telemetry.body, LISTENER_TELEMETRY_NO_EFFECT));
  telemetry.body.end();
  return isOpen;
}

/** Keys that shut something out: a listener without them would let it in, so a warning is not enough. */
function refuseWhatOpensDoors(body: BodyReader): void {
  if (body.string("proxy_protocol_behavior")) body.fail("proxy_protocol_behavior", "the PROXY protocol is not spoken; let the proxy send X-Forwarded-For and set x_forwarded_for_authorized_addrs");
  if (body.string("chroot_namespace")) body.fail("chroot_namespace", "there are no namespaces to confine this listener to; remove it");
  const role = body.string("role");
  if (role !== undefined && role !== "" && role !== "default") body.fail("role", `a listener for ${JSON.stringify(role)} alone is not built: it would serve everything`);
}

function readTls(body: BodyReader): ListenerTls | "incomplete" | undefined {
  const isDisabled = body.bool("tls_disable") ?? false;
  const certificateFile = body.string("tls_cert_file");
  const keyFile = body.string("tls_key_file");
  const ciphers = body.strings("tls_cipher_suites") ?? [];
  const requireClientCertificate = body.bool("tls_require_and_verify_client_cert") ?? false;
  const rejectsClientCertificates = body.bool("tls_disable_client_certs") ?? false;
  const clientCaFile = body.string("tls_client_ca_file");
  const minVersion = tlsVersion(body, "tls_min_version", "TLSv1.2");
  const maxVersion = tlsVersion(body, "tls_max_version", "TLSv1.3");
  if (isDisabled) return undefined;
  if (!certificateFile || !keyFile) return "incomplete";
  if (requireClientCertificate && rejectsClientCertificates) body.fail("tls_disable_client_certs", "tls_disable_client_certs and tls_require_and_verify_client_cert contradict each other");
  if (minVersion > maxVersion) body.fail("tls_min_version", "tls_min_version is above tls_max_version");
  return {
    certificateFile,
    keyFile,
    minVersion,
    maxVersion,
    ciphers: ciphers.map((name) => opensslCipher(name) ?? body.fail("tls_cipher_suites", `cipher suite ${JSON.stringify(name)} is not known`)),
    clientCaFile: clientCaFile || undefined,
    requireClientCertificate,
    acceptClientCertificates: !rejectsClientCertificates,
  };
}

function tlsVersion(body: BodyReader, name: string, fallback: TlsVersion): TlsVersion {
  const text = body.string(name);
  if (text === undefined || text === "") return fallback;
  if (["tls10", "tls11", "1.0", "1.1"].includes(text)) body.fail(name, `${name} is "tls12" or "tls13": older versions are broken and not spoken`);
  return Object.hasOwn(TLS_VERSIONS, text) ? TLS_VERSIONS[text]! : body.fail(name, `${name} is "tls12" or "tls13", not ${JSON.stringify(text)}`);
}
