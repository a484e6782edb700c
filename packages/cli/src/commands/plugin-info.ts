import type { Command } from "../framework/command.js";
import { call } from "../framework/secret.js";

export const command: Command = {
  usage: "plugin info [options] TYPE NAME",
  description: "Shows what is known of an engine that can be mounted.\n\n    $ coffer plugin info auth approle",
  args: { min: 2, max: 2 },
  run: async (context) => {
    const [type = "", name = ""] = context.args;
    const path = `sys/plugins/catalog/${encodeURIComponent(type)}/${encodeURIComponent(name)}`;
    const secret = await context.attempt(`Error reading plugin named ${name}`, call(await context.client(), "GET", path));
    return context.printData(secret?.data ?? {});
  },
};
