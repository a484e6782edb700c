import type { Command } from "../framework/command.js";
import { trimPath } from "../framework/paths.js";
import { callOrMiss } from "../framework/secret.js";
import { printList } from "../output/list.js";

export const command: Command = {
  usage: "list [options] PATH",
  description: "Lists the names under a path.\n\n    $ coffer list secret/my-app/",
  args: { min: 1, max: 1 },
  detailed: true,
  flags: [
    { name: "after", kind: "string", help: "Begin after this name." },
    { name: "limit", kind: "int", help: "At most so many names." },
  ],
  run: async (context) => {
    const path = trimPath(context.args[0] ?? "");
    const { flags } = context;
    const query = { ...(flags.has("after") ? { after: flags.string("after") } : {}), ...(flags.int("limit") > 0 ? { limit: flags.int("limit") } : {}) };
    const secret = await context.attempt(`Error listing ${path}`, callOrMiss(await context.client(), "LIST", path, { query }));
    return printList(context, secret, path);
  },
};
