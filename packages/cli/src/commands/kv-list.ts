import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { MOUNT_FLAG, resolveKvPath } from "../framework/kv-path.js";
import { scanAll } from "../framework/kv-scan.js";
import { callOrMiss } from "../framework/secret.js";
import { printList } from "../output/list.js";

export const command: Command = {
  usage: "kv list [options] PATH",
  description:
    "Lists the secrets in a folder of the key-value store.\n\n    $ coffer kv list -mount=secret my-app/\n\nAnd those in all of the folders below it, as far as the policies of the token show them:\n\n    $ coffer kv list -recursive secret/my-app/",
  args: { min: 0, max: 1, expected: "1" },
  detailed: true,
  flags: [MOUNT_FLAG, { name: "recursive", kind: "bool", help: "Lists what lies in folders too. It needs the scan capability." }],
  run: async (context) => {
    if (context.args.length === 0 && !context.flags.has("mount")) throw new Failure("Not enough arguments (expected 1, got 0)");
    const path = (await resolveKvPath(context, context.args[0] ?? "")).under("metadata");
    const client = await context.client();
    const answer = context.flags.bool("recursive") ? scanAll(client, path) : callOrMiss(client, "LIST", path);
    return printList(context, await context.attempt(`Error listing ${path}`, answer), path);
  },
};
