import { parseQuery } from "../framework/arguments.js";
import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { mountPath } from "../framework/paths.js";

export const command: Command = {
  usage: "audit enable [options] TYPE [CONFIG K=V...]",
  description: "Enables an audit device.\n\n    $ coffer audit enable file file_path=/var/log/audit.log",
  args: { min: 0, max: Infinity },
  flags: [
    { name: "path", kind: "string", help: "Where to mount it; by default the name of the type." },
    { name: "description", kind: "string", help: "What it is for." },
    { name: "local", kind: "bool", help: "Keep it in this cluster: replication leaves it out." },
  ],
  run: async (context) => {
    const { args, flags } = context;
    if (args.length < 1) throw new Failure("Error enabling audit device: audit type missing. Valid types include 'file', 'socket' and 'syslog'.");
    const type = (args[0] ?? "").trim();
    const path = mountPath(flags.string("path") || type);
    const options = await parseQuery(context, args.slice(1));
    const client = await context.client();
    const body = { type, description: flags.string("description"), local: flags.bool("local"), options };
    await context.attempt("Error enabling audit device", client.send("PUT", `sys/audit/${path.replace(/\/$/, "")}`, { body }));
    context.print(`Success! Enabled the ${type} audit device at: ${path}`);
  },
};
