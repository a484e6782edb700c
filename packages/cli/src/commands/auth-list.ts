import type { Command } from "../framework/command.js";
import { call } from "../framework/secret.js";
import { formatDetailedMounts, formatMounts } from "../output/mounts.js";
import { orderedMounts } from "../output/ordered.js";

export const command: Command = {
  usage: "auth list [options]",
  description: "Lists the enabled auth methods.",
  detailed: true,
  run: async (context) => {
    const secret = await context.attempt("Error listing enabled authentications", call(await context.client(), "GET", "sys/auth"));
    const mounts = secret?.data ?? {};
    if (context.format !== "table") return context.printData(orderedMounts(mounts));
    context.print(context.flags.bool("detailed") ? formatDetailedMounts(mounts, "auth") : formatMounts(mounts, "auth"));
    return 0;
  },
};
