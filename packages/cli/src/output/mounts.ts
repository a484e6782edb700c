import { recordOf } from "../framework/json.js";
import { formatTable } from "./columns.js";
import { compareBytes, formatGoValue } from "./go-value.js";

type Mounts = Readonly<Record<string, unknown>>;

/** The mounts in an answer of sys/mounts or sys/auth, which carries them under `data`. */
export function formatMounts(mounts: Mounts, kind: "secrets" | "auth"): string {
  const header = ["Path", "Type", "Accessor", "Description", ...(kind === "auth" ? ["Version"] : [])];
  const keys = ["type", "accessor", "description", ...(kind === "auth" ? ["plugin_version"] : [])];
  return formatTable([header, ...entries(mounts).map(([path, mount]) => [path, ...keys.map((key) => text(mount[key]))])]);
}

/** The same with everything there is to know. */
export function formatDetailedMounts(mounts: Mounts, kind: "secrets" | "auth"): string {
  const header = [
    ...["Path", "Plugin", "Accessor", "Default TTL", "Max TTL", kind === "auth" ? "Token Type" : "Force No Cache"],
    ...["Replication", "Seal Wrap", "External Entropy Access", "Options", "Description", "UUID"],
    ...["Version", "Running Version", "Running SHA256", "Deprecation Status"],
  ];
  const rows = entries(mounts).map(([path, mount]) => {
    const config = recordOf(mount["config"]) ?? {};
    const type = text(mount["type"]);
    return [
      ...[path, type, text(mount["accessor"]), ttl(type, config["default_lease_ttl"]), ttl(type, config["max_lease_ttl"])],
      kind === "auth" ? text(config["token_type"]) : String(config["force_no_cache"] === true),
      ...[mount["local"] === true ? "local" : "replicated", String(mount["seal_wrap"] === true), String(mount["external_entropy_access"] === true)],
      ...[formatGoValue(mount["options"] ?? {}), text(mount["description"]), text(mount["uuid"])],
      ...[text(mount["plugin_version"]), text(mount["running_plugin_version"]), text(mount["running_sha256"]), text(mount["deprecation_status"])],
    ];
  });
  return formatTable([header, ...rows]);
}

function entries(mounts: Mounts): [string, Readonly<Record<string, unknown>>][] {
  return Object.keys(mounts)
    .sort(compareBytes)
    .map((path) => [path, recordOf(mounts[path]) ?? {}]);
}

function ttl(type: string, seconds: unknown): string {
  if (type === "system" || type === "cubbyhole") return "";
  return Number(seconds ?? 0) === 0 ? "system" : text(seconds);
}

function text(value: unknown): string {
  return value === undefined || value === null ? "" : formatGoValue(value);
}
