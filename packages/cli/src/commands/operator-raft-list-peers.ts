import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { recordOf } from "../framework/json.js";
import { callOrMiss } from "../framework/secret.js";
import { formatTable } from "../output/columns.js";

export const command: Command = {
  usage: "operator raft list-peers [options]",
  description: "Lists the peers of the Raft cluster.",
  run: async (context) => {
    const failure = "Error reading the raft cluster configuration";
    const secret = await context.attempt(failure, callOrMiss(await context.client(), "GET", "sys/storage/raft/configuration"));
    if (secret === undefined) throw new Failure("No raft cluster configuration found", 2);
    if (context.format !== "table" || context.flags.has("field")) return context.printSecret(secret);
    const servers = recordOf(secret.data?.["config"])?.["servers"];
    const rows = (Array.isArray(servers) ? servers : []).map((item) => {
      const server = recordOf(item) ?? {};
      return [String(server["node_id"]), String(server["address"]), server["leader"] === true ? "leader" : "follower", String(server["voter"] === true)];
    });
    context.print(formatTable([["Node", "Address", "State", "Voter"], ...rows]));
    return 0;
  },
};
