import { formatTable } from "./columns.js";

type Fields = Readonly<Record<string, unknown>>;

/** sys/seal-status and sys/leader as one table. */
export function formatSealStatus(status: Fields): string {
  const text = (key: string): string => String(status[key] ?? "");
  const rows: [string, string][] = [["Key", "Value"]];
  const add = (key: string, value: string): number => rows.push([key, value]);
  const recovery = status["recovery_seal"] === true;
  const sealed = status["sealed"] === true;

  add("Seal Type", text("type"));
  if (recovery) add("Recovery Seal Type", text("recovery_seal_type"));
  add("Initialized", text("initialized"));
  add("Sealed", String(sealed));
  add(`Total ${recovery ? "Recovery " : ""}Shares`, text("n"));
  add("Threshold", text("t"));
  if (sealed) {
    add("Unseal Progress", `${text("progress")}/${text("t")}`);
    add("Unseal Nonce", text("nonce"));
  }
  if (status["migration"] === true) add("Seal Migration in Progress", "true");
  if (text("version") !== "") add("Version", text("version"));
  if (text("build_date") !== "") add("Build Date", text("build_date"));
  if (text("commit_date") !== "") add("Commit Date", text("commit_date"));
  if (text("storage_type") !== "") add("Storage Type", text("storage_type"));
  if (text("cluster_name") !== "" && text("cluster_id") !== "") {
    add("Cluster Name", text("cluster_name"));
    add("Cluster ID", text("cluster_id"));
  }
  add("HA Enabled", String(status["ha_enabled"] === true));
  if (status["ha_enabled"] === true && !sealed) rows.push(...highAvailability(status));
  for (const [label, key] of [["Raft Committed Index", "raft_committed_index"], ["Raft Applied Index", "raft_applied_index"]] as const) {
    if (Number(status[key] ?? 0) > 0) add(label, text(key));
  }
  const warnings = Array.isArray(status["warnings"]) ? (status["warnings"] as unknown[]) : [];
  for (const warning of warnings) add("Warning", String(warning));
  return formatTable(rows);
}

function highAvailability(status: Fields): [string, string][] {
  const self = status["is_self"] === true;
  const since = String(status["active_time"] ?? "");
  const leader = String(status["leader_address"] ?? "");
  const rows: [string, string][] = [
    ["HA Cluster", String(status["leader_cluster_address"] ?? "")],
    ["HA Mode", self ? "active" : "standby"],
  ];
  if (self && since !== "" && !since.startsWith("0001-")) rows.push(["Active Since", since]);
  if (!self && leader !== "") rows.push(["Active Node Address", leader]);
  return rows;
}
