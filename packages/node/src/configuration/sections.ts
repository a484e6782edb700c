import type { BlockReader, BodyReader } from "@coffer/hcl";
import { AuditOptionError, parseAuditOptions } from "@coffer/state-machine";
import { AUDIT_NO_EFFECT, noEffectWarnings, TELEMETRY_HARMLESS, TELEMETRY_NO_EFFECT } from "./no-effect.js";
import type { AuditDeviceConfiguration, Telemetry } from "./types.js";

const DEFAULT_PROMETHEUS_RETENTION = 86_400;

/** Adds to `warnings` what has no effect. */
export function readTelemetry([block, second]: readonly BlockReader[], warnings: string[]): Telemetry {
  second?.fail("one telemetry block is enough");
  const body = block?.body;
  const telemetry: Telemetry = {
    prometheusRetention: body?.durationSeconds("prometheus_retention_time") ?? DEFAULT_PROMETHEUS_RETENTION,
    disableHostname: body?.bool("disable_hostname") ?? false,
    enableHostnameLabel: body?.bool("enable_hostname_label") ?? false,
  };
  if (body) warnings.push(...noEffectWarnings(body, TELEMETRY_NO_EFFECT));
  body?.ignore(...TELEMETRY_HARMLESS);
  body?.end();
  return telemetry;
}

const AUDIT_STRINGS = ["path", "file_path", "mode", "format", "prefix", "filter", "address", "socket_type", "write_timeout", "facility", "tag", "exclude"];
const AUDIT_BOOLEANS = ["log_raw", "hmac_accessor", "elide_list_responses", "fallback"];

/**
 * `audit_device "file" { path = "…" }`, or `audit "file" "name" { options { file_path = "…" } }`. Adds to `warnings` what has no
 * effect.
 */
export function readAuditDevice({ labels, body, fail }: BlockReader, warnings: string[]): AuditDeviceConfiguration {
  const [type, name = type, ...rest] = labels;
  if (!type || rest.length > 0) return fail('an audit device has a type, and may have a name: audit_device "file" { path = "/var/log/coffer/audit.log" }');
  const description = body.string("description") ?? "";
  const [nested, second] = body.blocks("options");
  second?.fail("one options block is enough");
  const flat: Record<string, string> = {};
  for (const key of [...AUDIT_STRINGS, ...AUDIT_BOOLEANS]) {
    const value = AUDIT_BOOLEANS.includes(key) ? body.bool(key) : body.string(key);
    if (value !== undefined) flat[key] = String(value);
  }
  warnings.push(...noEffectWarnings(body, AUDIT_NO_EFFECT));
  body.end();
  const { path, ...others } = { ...flat, ...nested?.body.stringMap() };
  const filePath = others["file_path"] ?? path;
  if (type === "file" && !filePath) fail('an audit device "file" needs path, the file that it writes');
  const options = filePath === undefined ? others : { ...others, file_path: filePath };
  refuseWrongOptions(type, options, nested?.body ?? body);
  return { path: `${name}/`, type, description, options };
}

/** Now, and with its place: a node that finds out when it becomes active can only wait for another file. */
function refuseWrongOptions(type: string, options: Readonly<Record<string, string>>, body: BodyReader): void {
  try {
    parseAuditOptions(type, options);
  } catch (error) {
    if (!(error instanceof AuditOptionError)) throw error;
    body.fail(error.option, error.message);
  }
}
