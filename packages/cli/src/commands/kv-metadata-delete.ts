import type { Command } from "../framework/command.js";
import { MOUNT_FLAG, requireV2 } from "../framework/kv-path.js";

export const command: Command = {
  usage: "kv metadata delete [options] PATH",
  description: "Deletes a secret with all its versions and metadata, for good.\n\n    $ coffer kv metadata delete -mount=secret foo",
  args: { min: 1, max: 1 },
  flags: [MOUNT_FLAG],
  run: async (context) => {
    const path = (await requireV2(context, context.args[0] ?? "", "Metadata not supported on KV Version 1")).under("metadata");
    const client = await context.client();
    await context.attempt(`Error deleting ${path}`, client.send("DELETE", path));
    context.print(`Success! Data deleted (if it existed) at: ${path}`);
  },
};
