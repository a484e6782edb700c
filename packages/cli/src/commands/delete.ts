import type { Command } from "../framework/command.js";
import { parseQuery } from "../framework/arguments.js";
import { trimPath } from "../framework/paths.js";
import { call } from "../framework/secret.js";
import { printDone } from "../output/write-result.js";

export const command: Command = {
  usage: "delete [options] PATH [K=V...]",
  description: "Deletes the data or configuration at a path.\n\n    $ coffer delete secret/my-secret",
  args: { min: 1, max: Infinity, expected: "at least 1" },
  run: async (context) => {
    const path = trimPath(context.args[0] ?? "");
    const query = await parseQuery(context, context.args.slice(1), "Failed to parse string list data");
    const secret = await context.attempt(`Error deleting ${path}`, call(await context.client(), "DELETE", path, { query }));
    if (secret !== undefined) return context.printSecret(secret);
    printDone(context, `Success! Data deleted (if it existed) at: ${path}`);
    return 0;
  },
};
