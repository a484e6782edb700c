import type { Secret } from "../framework/secret.js";
import { recordOf } from "../framework/json.js";
import { formatTable } from "./columns.js";
import { formatDuration, humanField } from "./duration.js";
import { compareBytes, formatGoQuoted, formatGoValue } from "./go-value.js";

type Row = [string, string];

/** A secret as `Key  Value` rows; empty if it holds nothing to show. */
export function formatSecretTable(secret: Secret): string {
  return withHeader([...leaseRows(secret), ...authRows(secret.auth), ...wrapRows(secret.wrapInfo), ...mapRows(secret.data ?? {})]);
}

/** Fields, sorted by name, as `Key  Value` rows. */
export function formatMapTable(data: Readonly<Record<string, unknown>>): string {
  return withHeader(mapRows(data));
}

function withHeader(rows: readonly Row[]): string {
  return rows.length === 0 ? "" : formatTable([["Key", "Value"], ...rows]);
}

function leaseRows(secret: Secret): Row[] {
  if (secret.leaseDuration <= 0) return [];
  const duration = formatDuration(secret.leaseDuration);
  // Without a lease ID nothing can be renewed: the duration only says how often to look again.
  if (secret.leaseId === "") return [["refresh_interval", duration]];
  return [
    ["lease_id", secret.leaseId],
    ["lease_duration", duration],
    ["lease_renewable", String(secret.renewable)],
  ];
}

function authRows(auth: Secret["auth"]): Row[] {
  if (auth === undefined) return [];
  const requirement = recordOf(auth["mfa_requirement"]);
  if (requirement !== undefined) return mfaRows(requirement);
  const seconds = Number(auth["lease_duration"] ?? 0);
  const metadata = Object.entries(recordOf(auth["metadata"]) ?? {}).sort(([a], [b]) => compareBytes(a, b));
  return [
    ["token", formatGoValue(auth["client_token"] ?? "")],
    ["token_accessor", formatGoValue(auth["accessor"] ?? "")],
    ["token_duration", seconds === 0 ? "∞" : formatDuration(seconds)],
    ["token_renewable", String(auth["renewable"] === true)],
    ["token_policies", formatGoQuoted(auth["token_policies"])],
    ["identity_policies", formatGoQuoted(auth["identity_policies"])],
    ["policies", formatGoQuoted(auth["policies"])],
    ...metadata.map(([key, value]): Row => [`token_meta_${key}`, formatGoValue(value)]),
  ];
}

function mfaRows(requirement: Record<string, unknown>): Row[] {
  const rows: Row[] = [["mfa_request_id", formatGoValue(requirement["mfa_request_id"])]];
  for (const [name, constraint] of Object.entries(recordOf(requirement["mfa_constraints"]) ?? {})) {
    const options = recordOf(constraint)?.["any"];
    for (const option of Array.isArray(options) ? options : []) {
      const { type, id, uses_passcode: passcode, name: label } = recordOf(option) ?? {};
      rows.push([`mfa_constraint_${name}_${String(type)}_id`, String(id)]);
      rows.push([`mfa_constraint_${name}_${String(type)}_uses_passcode`, String(passcode === true)]);
      if (typeof label === "string" && label !== "") rows.push([`mfa_constraint_${name}_${String(type)}_name`, label]);
    }
  }
  return rows;
}

function wrapRows(wrap: Secret["wrapInfo"]): Row[] {
  if (wrap === undefined) return [];
  const rows: Row[] = [
    ["wrapping_token:", formatGoValue(wrap["token"])],
    ["wrapping_accessor:", formatGoValue(wrap["accessor"])],
    ["wrapping_token_ttl:", formatDuration(Number(wrap["ttl"] ?? 0))],
    ["wrapping_token_creation_time:", formatGoTime(String(wrap["creation_time"] ?? ""))],
    ["wrapping_token_creation_path:", formatGoValue(wrap["creation_path"])],
  ];
  const accessor = wrap["wrapped_accessor"];
  if (typeof accessor === "string" && accessor !== "") rows.push(["wrapped_accessor:", accessor]);
  return rows;
}

/** RFC 3339 as Go's time.String prints it: "2026-01-02 03:04:05.678 +0000 UTC". */
function formatGoTime(text: string): string {
  const match = /^(\S+)T([\d:.]+)(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return text;
  const zone = match[3] === "Z" ? "+0000 UTC" : `${(match[3] ?? "").replace(":", "")} ${(match[3] ?? "").replace(":", "")}`;
  return `${match[1]} ${match[2]} ${zone}`;
}

function mapRows(data: Readonly<Record<string, unknown>>): Row[] {
  return Object.keys(data)
    .sort(compareBytes)
    .map((key) => [key, formatGoValue(humanField(key, data[key]))]);
}
