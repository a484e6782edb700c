import type { Command } from "../framework/command.js";
import { parseQuery } from "../framework/arguments.js";
import { Failure } from "../framework/failure.js";
import { trimPath } from "../framework/paths.js";
import { callOrMiss } from "../framework/secret.js";

export const command: Command = {
  usage: "read [options] PATH [K=V...]",
  description: "Reads data from a path: secrets, generated credentials, configuration.\nK=V pairs are sent as the query.\n\n    $ coffer read secret/my-secret",
  args: { min: 1, max: Infinity },
  raw: true,
  run: async (context) => {
    const path = trimPath(context.args[0] ?? "");
    const query = await parseQuery(context, context.args.slice(1));
    const client = await context.client();
    if (context.format === "raw") {
      const reply = await context.attempt(`Error reading: ${path}`, client.send("GET", path, { query }));
      context.print(reply.text);
      return 0;
    }
    const secret = await context.attempt(`Error reading ${path}`, callOrMiss(client, "GET", path, { query }));
    if (secret === undefined) throw new Failure(`No value found at ${path}`, 2);
    return context.printSecret(secret);
  },
};
