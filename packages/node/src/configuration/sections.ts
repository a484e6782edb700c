import type { BlockReader, BodyReader } from "@coffer/hcl";
import { ConfigurationError, variable } from "./environment.js";
import type { Environment } from "./environment.js";
import { AUDIT_NO_EFFECT, noEffectWarnings, TELEMETRY_HARMLESS, TELEMETRY_NO_EFFECT } from "./no-effect.js";
import type { AuditDeviceConfiguration, SealConfiguration, Telemetry } from "./types.js";

const DEFAULT_PROMETHEUS_RETENTION = 86_400;
const AWSKMS_KEYS = ["region", "access_key", "secret_key", "session_token", "kms_key_id", "endpoint", "shared_creds_filename", "shared_creds_profile", "role_arn", "role_session_name", "web_identity_token_file", "disallow_env_vars", "key_not_required", "disabled", "priority", "name"];

export function readSeal(blocks: readonly BlockReader[], environment: Environment): SealConfiguration {
  const [block, second] = blocks;
  second?.fail("one seal block is enough: seals are neither combined nor migrated in this version");
  const type = block?.labels[0] ?? variable(environment, "VAULT_SEAL_TYPE") ?? "shamir";
  if (type !== "shamir" && type !== "awskms") {
    const problem = `seal ${JSON.stringify(type)} is not known; this version has "shamir" (the default) and reads "awskms"`;
    if (block) return block.fail(problem);
    throw new ConfigurationError(`environment variable VAULT_SEAL_TYPE: ${problem}`);
  }
  if (type === "shamir") {
    block?.body.end();
    return { type };
  }
  const options = block ? Object.fromEntries(AWSKMS_KEYS.map((name) => [name, scalar(block.body, name)] as const).filter((pair): pair is [string, string] => pair[1] !== undefined)) : {};
  block?.body.end();
  return { type, options };
}

function scalar(body: BodyReader, name: string): string | undefined {
  const [item] = body.items(name);
  return item?.kind === "attribute" && item.value.kind === "bool" ? String(body.bool(name)) : body.string(name);
}

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
 * `audit_device "file" { path = "…" }`, or `audit "file" "name" { options { file_path = "…" } }`. The device's own
 * options are checked where it is opened. Adds to `warnings` what has no effect.
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
  const { path, ...options } = { ...flat, ...nested?.body.stringMap() };
  const filePath = options["file_path"] ?? path;
  if (type === "file" && !filePath) fail('an audit device "file" needs path, the file that it writes');
  return { path: `${name}/`, type, description, options: filePath === undefined ? options : { ...options, file_path: filePath } };
}
