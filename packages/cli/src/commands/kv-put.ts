import type { Command } from "../framework/command.js";
import { parseData } from "../framework/arguments.js";
import { Failure } from "../framework/failure.js";
import { formatExactJson } from "../framework/json.js";
import { MOUNT_FLAG, resolveKvPath } from "../framework/kv-path.js";
import { call } from "../framework/secret.js";
import { printKvWritten } from "../output/kv-written.js";

export const command: Command = {
  usage: "kv put [options] KEY [DATA]",
  description:
    "Writes a secret, replacing all its keys. DATA is k=v, k=@file, k=-, @file.json or -.\n\n    $ coffer kv put -mount=secret foo bar=baz\n    $ coffer kv put -mount=secret -cas=1 foo bar=baz",
  args: { min: 1, max: Infinity, expected: ">1" },
  flags: [{ name: "cas", kind: "int", help: "Write only if this is the current version; 0 only if there is none." }, MOUNT_FLAG],
  run: async (context) => {
    if (context.args.length === 1) throw new Failure("Must supply data");
    const data = await parseData(context, context.args.slice(1));
    const kv = await resolveKvPath(context, context.args[0] ?? "");
    const path = kv.under("data");
    const cas = context.flags.int("cas", -1);
    const body = kv.v2 ? { data, options: cas > -1 ? { cas } : {} } : data;
    const options = { rawBody: await formatExactJson(body), headers: { "Content-Type": "application/json" } };
    const secret = await context.attempt(`Error writing data to ${path}`, call(await context.client(), "PUT", path, options));
    return printKvWritten(context, secret, path);
  },
};
