import { formatGoDuration } from "@coffer/client";
import type { Flag, FlagValues } from "./flags.js";

/** Flags of enable and tune that end up in a mount's configuration, for secrets engines and auth methods alike. */
export const MOUNT_CONFIG_FLAGS: readonly Flag[] = [
  { name: "default-lease-ttl", kind: "duration", help: "Default lifetime of leases and tokens; -1 for the system's." },
  { name: "max-lease-ttl", kind: "duration", help: "Longest lifetime of leases and tokens; -1 for the system's." },
  { name: "description", kind: "string", help: "What this mount is for." },
  { name: "options", kind: "map", help: "Options of the mount, key=value. May be repeated." },
  { name: "version", kind: "int", help: "Version of the engine, where it has several (KV: 1 or 2)." },
  { name: "audit-non-hmac-request-keys", kind: "list", help: "Request fields that audit devices may log in plain text." },
  { name: "audit-non-hmac-response-keys", kind: "list", help: "Response fields that audit devices may log in plain text." },
  { name: "listing-visibility", kind: "string", help: "Whether the mount is listed for everyone: unauth or hidden." },
  { name: "passthrough-request-headers", kind: "list", help: "Request headers handed to the engine." },
  { name: "allowed-response-headers", kind: "list", help: "Headers that the engine may answer with." },
  { name: "plugin-version", kind: "string", help: "Version of the plugin." },
  { name: "token-type", kind: "string", help: "For auth methods: service, batch, default-service or default-batch." },
];

/** Flags of auth tune alone. */
export const LOCKOUT_FLAGS: readonly Flag[] = [
  { name: "user-lockout-threshold", kind: "int", help: "Failed logins in a row that lock a user." },
  { name: "user-lockout-duration", kind: "duration", help: "How long a user stays locked." },
  { name: "user-lockout-counter-reset-duration", kind: "duration", help: "After how long without a failure the count begins anew." },
  { name: "user-lockout-disable", kind: "bool", help: "Never lock users of this method." },
];

/** Only what was given; undefined for nothing. */
export function lockoutConfig(flags: FlagValues): Record<string, unknown> | undefined {
  const config: Record<string, unknown> = {};
  if (flags.has("user-lockout-threshold")) config["lockout_threshold"] = String(flags.int("user-lockout-threshold"));
  for (const name of ["duration", "counter-reset-duration"] as const) {
    if (flags.has(`user-lockout-${name}`)) config[`lockout_${fieldName(name)}`] = formatGoDuration(flags.duration(`user-lockout-${name}`));
  }
  if (flags.has("user-lockout-disable")) config["lockout_disable"] = flags.bool("user-lockout-disable");
  return Object.keys(config).length === 0 ? undefined : config;
}

/** Flags of enable alone. */
export const ENABLE_FLAGS: readonly Flag[] = [
  { name: "path", kind: "string", help: "Where to mount; by default the name of the type." },
  { name: "local", kind: "bool", help: "Keep it in this cluster: replication leaves it out." },
  { name: "seal-wrap", kind: "bool", help: "Wrap its storage with the seal." },
  { name: "external-entropy-access", kind: "bool", help: "Let it use external entropy." },
  { name: "force-no-cache", kind: "bool", help: "Never cache its storage." },
];

const LISTS = ["audit-non-hmac-request-keys", "audit-non-hmac-response-keys", "passthrough-request-headers", "allowed-response-headers"] as const;
const STRINGS = ["listing-visibility", "plugin-version", "token-type"] as const;

/** The configuration that the flags describe; only what was given, but for the options' version. */
export function mountConfig(flags: FlagValues): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  for (const name of ["default-lease-ttl", "max-lease-ttl"] as const) {
    if (!flags.has(name)) continue;
    const seconds = flags.duration(name);
    config[fieldName(name)] = seconds < 0 ? "system" : formatGoDuration(seconds);
  }
  for (const name of LISTS) if (flags.has(name)) config[fieldName(name)] = flags.list(name);
  for (const name of STRINGS) if (flags.has(name)) config[fieldName(name)] = flags.string(name);
  return config;
}

export function mountOptions(flags: FlagValues): Record<string, string> | undefined {
  const options: Record<string, string> = { ...flags.map("options") };
  if (flags.int("version") > 0) options["version"] = String(flags.int("version"));
  return Object.keys(options).length === 0 ? undefined : options;
}

function fieldName(flag: string): string {
  return flag.replaceAll("-", "_");
}
