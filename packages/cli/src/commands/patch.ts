import type { Command } from "../framework/command.js";
import { parseData } from "../framework/arguments.js";
import { Failure } from "../framework/failure.js";
import { formatExactJson } from "../framework/json.js";
import { trimPath } from "../framework/paths.js";
import { call } from "../framework/secret.js";
import { printWritten } from "../output/write-result.js";

export const command: Command = {
  usage: "patch [options] PATH [DATA K=V...]",
  description:
    "Changes data at a path by a JSON merge patch: only the keys that are given.\nA value may come from a file (k=@file) or stdin (k=-), the whole data from a JSON file (@file.json) or stdin (-).\n\n    $ coffer patch secret/my-secret value=itsasecret",
  args: { min: 1, max: Infinity, expected: "1" },
  flags: [
    { name: "force", kind: "bool", help: "Send the request even without data." },
    { name: "f", kind: "bool", help: "Short for -force.", hidden: true },
  ],
  run: async (context) => {
    const { args, flags } = context;
    if (args.length === 1 && !flags.bool("force") && !flags.bool("f")) throw new Failure("Must supply data or use -force");
    const path = trimPath(args[0] ?? "");
    const rawBody = await formatExactJson(await parseData(context, args.slice(1)));
    const headers = { "Content-Type": "application/merge-patch+json" };
    const client = await context.client();
    const secret = await context.attempt(`Error writing data to ${path}`, call(client, "PATCH", path, { rawBody, headers }));
    return printWritten(context, secret, path);
  },
};
