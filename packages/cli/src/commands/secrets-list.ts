import type { Command } from "../framework/command.js";
import { call } from "../framework/secret.js";
import { formatDetailedMounts, formatMounts } from "../output/mounts.js";
import { orderedMounts } from "../output/ordered.js";

export const command: Command = {
  usage: "secrets list [options]",
  description: "Lists the enabled secrets engines.",
  detailed: true,
  run: async (context) => {
    const secret = await context.attempt("Error listing secrets engines", call(await context.client(), "GET", "sys/mounts"));
    const mounts = secret?.data ?? {};
    if (context.format !== "table") return context.printData(orderedMounts(mounts));
    context.print(context.flags.bool("detailed") ? formatDetailedMounts(mounts, "secrets") : formatMounts(mounts, "secrets"));
    return 0;
  },
};
