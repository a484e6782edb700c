import type { Command } from "../framework/command.js";
import { recordOf } from "../framework/json.js";
import { call } from "../framework/secret.js";
import { formatTable } from "../output/columns.js";
import { orderedMembers } from "../output/ordered.js";

const COLUMNS = ["Host Name", "API Address", "Cluster Address", "Active Node", "Version", "Upgrade Version", "Last Echo"] as const;

export const command: Command = {
  usage: "operator members [options]",
  description: "Lists the nodes of the cluster.",
  run: async (context) => {
    const secret = await context.attempt("", call(await context.client(), "GET", "sys/ha-status"));
    const found = secret?.data?.["nodes"];
    const nodes: readonly unknown[] = Array.isArray(found) ? found : [];
    if (context.format !== "table") return context.printData(orderedMembers(nodes));
    const rows = nodes.map((item) => {
      const node = recordOf(item) ?? {};
      const echo = String(node["last_echo"] ?? "").replace(/\.\d+/, "");
      const text = (key: string): string => String(node[key] ?? "");
      return [text("hostname"), text("api_address"), text("cluster_address"), String(node["active_node"] === true), text("version"), text("upgrade_version"), echo];
    });
    context.print(formatTable([[...COLUMNS], ...rows]));
    return 0;
  },
};
