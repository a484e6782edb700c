import type { Command } from "../framework/command.js";
import { recordOf } from "../framework/json.js";
import { call } from "../framework/secret.js";
import { formatTable } from "../output/columns.js";
import { compareBytes } from "../output/go-value.js";

export const command: Command = {
  usage: "audit list [options]",
  description: "Lists the enabled audit devices.",
  detailed: true,
  run: async (context) => {
    const secret = await context.attempt("Error listing audits", call(await context.client(), "GET", "sys/audit"));
    const devices = secret?.data ?? {};
    if (context.format !== "table") return context.printData(devices);
    const paths = Object.keys(devices).sort(compareBytes);
    if (paths.length === 0) {
      context.print("No audit devices are enabled.");
      return 2;
    }
    const detailed = context.flags.bool("detailed");
    const rows = paths.map((path) => {
      const device = recordOf(devices[path]) ?? {};
      const row = [path, String(device["type"] ?? ""), String(device["description"] ?? "")];
      if (!detailed) return row;
      const options = Object.entries(recordOf(device["options"]) ?? {}).map(([key, value]) => `${key}=${String(value)}`);
      return [...row, device["local"] === true ? "local" : "replicated", options.join(" ")];
    });
    context.print(formatTable([["Path", "Type", "Description", ...(detailed ? ["Replication", "Options"] : [])], ...rows]));
    return 0;
  },
};
