import type { Command } from "../framework/command.js";
import { MOUNT_FLAG, VERSIONS_FLAG, resolveKvPath, versionList } from "../framework/kv-path.js";
import { call } from "../framework/secret.js";
import { printDone } from "../output/write-result.js";

export const command: Command = {
  usage: "kv delete [options] PATH",
  description:
    "Deletes the latest version of a secret, or the given ones. In version 2 they can be brought back with kv undelete.\n\n    $ coffer kv delete -mount=secret -versions=3 foo",
  args: { min: 1, max: 1 },
  flags: [VERSIONS_FLAG, MOUNT_FLAG],
  run: async (context) => {
    const kv = await resolveKvPath(context, context.args[0] ?? "");
    const versions = versionList(context);
    const path = kv.under("data");
    const client = await context.client();
    const work =
      kv.v2 && versions.length > 0 ? call(client, "PUT", kv.under("delete"), { body: { versions } }) : call(client, "DELETE", path);
    const secret = await context.attempt(`Error deleting ${path}`, work);
    if (secret !== undefined) return context.printSecret(secret);
    printDone(context, `Success! Data deleted (if it existed) at: ${path}`);
    return 0;
  },
};
