import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { MOUNT_FLAG, resolveKvPath } from "../framework/kv-path.js";
import { scanAll } from "../framework/kv-scan.js";
import { printList } from "../output/list.js";

export const command: Command = {
  usage: "kv search [options] PATH QUERY",
  description:
    "Finds secrets by their names in a folder of the key-value store and all folders below it, as far as the policies of the token show them. Values are not looked at.\n\nA query without a wildcard may stand anywhere in the path:\n\n    $ coffer kv search secret/ password\n\nWith * (any characters) or ? (one) it describes the whole name, or where it holds a slash the whole path below the folder:\n\n    $ coffer kv search -mount=secret my-app/ 'db-*'",
  args: { min: 1, max: 2, expected: "2" },
  flags: [MOUNT_FLAG],
  run: async (context) => {
    const { args } = context;
    if (args.length === 1 && !context.flags.has("mount")) throw new Failure("Not enough arguments (expected 2, got 1)");
    const [folder, query] = args.length === 1 ? ["", args[0]!] : [args[0]!, args[1]!];
    if (query === "") throw new Failure("The query is empty: kv list -recursive lists everything");
    const path = (await resolveKvPath(context, folder)).under("metadata");
    const found = await context.attempt(`Error searching ${path}`, scanAll(await context.client(), path, query));
    return printList(context, found, path);
  },
};
