import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { numberOf } from "../framework/json.js";
import { callOrMiss } from "../framework/secret.js";
import { formatTable } from "../output/columns.js";

const ROWS: readonly (readonly [string, string])[] = [
  ["Cleanup Dead Servers", "cleanup_dead_servers"],
  ["Last Contact Threshold", "last_contact_threshold"],
  ["Dead Server Last Contact Threshold", "dead_server_last_contact_threshold"],
  ["Server Stabilization Time", "server_stabilization_time"],
  ["Min Quorum", "min_quorum"],
  ["Max Trailing Logs", "max_trailing_logs"],
];

export const command: Command = {
  usage: "operator raft autopilot get-config [options]",
  description: "Prints autopilot's settings.",
  args: { min: 0, max: Infinity },
  run: async (context) => {
    if (context.args.length > 0) throw new Failure(`Incorrect arguments (expected 0, got ${context.args.length})`);
    const secret = await context.attempt("", callOrMiss(await context.client(), "GET", "sys/storage/raft/autopilot/configuration"));
    if (secret?.data === undefined) return 0;
    if (context.flags.has("field")) return context.printSecret(secret);
    const settings = secret.data;
    if (context.format !== "table") return context.printData(settings);
    context.print(formatTable([["Key", "Value"], ...ROWS.map(([name, key]) => [name, String(numberOf(settings[key]) ?? settings[key] ?? "")])]));
    return 0;
  },
};
