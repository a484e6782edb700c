import type { Command } from "../framework/command.js";
import { trimPath } from "../framework/paths.js";

export const command: Command = {
  usage: "path-help [options] PATH",
  description: "Prints what a path is for and which fields it takes, as the engine mounted there tells it.\n\n    $ coffer path-help database/roles/readonly",
  args: { min: 1, max: 1 },
  run: async (context) => {
    const path = trimPath(context.args[0] ?? "");
    const client = await context.client();
    const help = await context.attempt(
      "Error retrieving help",
      client.request<unknown, { help?: string; openapi?: unknown }>("GET", path, { query: { help: "1" } }),
    );
    context.print(context.format === "json" ? JSON.stringify(help.openapi) : String(help.help ?? ""));
  },
};
