import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { numberOf, recordOf } from "../framework/json.js";
import { callOrMiss } from "../framework/secret.js";

const PATH = "sys/storage/raft/autopilot/state";

/** Members as the JSON of Vault's CLI names them, in its order, and as the API does. */
const STATE = { Healthy: "healthy", FailureTolerance: "failure_tolerance", Servers: "servers", Leader: "leader", Voters: "voters", NonVoters: "non_voters", RedundancyZones: "redundancy_zones", Upgrade: "upgrade_info", OptimisticFailureTolerance: "optimistic_failure_tolerance" } as const;
const SERVER = { ID: "id", Name: "name", Address: "address", NodeStatus: "node_status", LastContact: "last_contact", LastTerm: "last_term", LastIndex: "last_index", Healthy: "healthy", StableSince: "stable_since", Status: "status", Version: "version", UpgradeVersion: "upgrade_version", RedundancyZone: "redundancy_zone", NodeType: "node_type" } as const;
const LINES: readonly (readonly [string, string])[] = [["Name", "name"], ["Address", "address"], ["Status", "status"], ["Node Status", "node_status"], ["Healthy", "healthy"], ["Last Contact", "last_contact"], ["Last Term", "last_term"], ["Last Index", "last_index"], ["Version", "version"]];
/** Shown where there is something to show. */
const OPTIONAL_LINES: readonly (readonly [string, string])[] = [["Upgrade Version", "upgrade_version"], ["Node Type", "node_type"]];

type Fields = Readonly<Record<string, unknown>>;

function textOf(value: unknown): string {
  const number = numberOf(value);
  return number === undefined ? String(value ?? "") : String(number);
}

function renamed(names: Readonly<Record<string, string>>, from: Fields, missing: Fields): Map<string, unknown> {
  return new Map(Object.entries(names).map(([name, key]) => [name, from[key] ?? missing[name] ?? null]));
}

function exported(state: Fields): Map<string, unknown> {
  const all = renamed(STATE, state, { OptimisticFailureTolerance: 0 });
  const servers = serversOf(state).map(([id, server]) => [id, renamed(SERVER, server, { UpgradeVersion: "", RedundancyZone: "", NodeType: "" })] as const);
  return all.set("Servers", new Map(servers));
}

function serversOf(state: Fields): (readonly [string, Fields])[] {
  return Object.entries(recordOf(state["servers"]) ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, server]) => [id, recordOf(server) ?? {}] as const);
}

function listed(state: Fields, key: string): string[] {
  const ids = state[key];
  return (Array.isArray(ids) ? ids : []).map((id) => `   ${String(id)}`);
}

function shown(state: Fields): string[] {
  const line = (name: string, key: string) => `${`${name}:`.padEnd(33)}${textOf(state[key])}`;
  const nonVoters = listed(state, "non_voters");
  const servers = serversOf(state).flatMap(([id, server]) => {
    const rows = [...LINES, ...OPTIONAL_LINES.filter(([, key]) => textOf(server[key]) !== "")];
    return [`   ${id}`, ...rows.map(([name, key]) => `      ${`${name}:`.padEnd(19)}${textOf(server[key])}`)];
  });
  return [
    line("Healthy", "healthy"),
    line("Failure Tolerance", "failure_tolerance"),
    line("Leader", "leader"),
    "Voters:",
    ...listed(state, "voters"),
    ...(nonVoters.length > 0 ? ["Non Voters:", ...nonVoters] : []),
    ...((numberOf(state["optimistic_failure_tolerance"]) ?? 0) > 0 ? [line("Optimistic Failure Tolerance", "optimistic_failure_tolerance")] : []),
    "Servers:",
    ...servers,
    "",
  ];
}

export const command: Command = {
  usage: "operator raft autopilot state [options]",
  description: "Prints the health of the Raft cluster's servers, as autopilot on the active node sees it.",
  args: { min: 0, max: Infinity },
  run: async (context) => {
    if (context.args.length > 0) throw new Failure(`Incorrect arguments (expected 0, got ${context.args.length})`);
    const secret = await context.attempt("Error checking autopilot state", callOrMiss(await context.client(), "GET", PATH));
    if (secret?.data === undefined) return 0;
    if (context.flags.has("field")) return context.printSecret(secret);
    if (context.format !== "table") return context.printData(exported(secret.data));
    context.print(shown(secret.data).join("\n"));
    return 0;
  },
};
