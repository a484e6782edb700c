import type { Command } from "../framework/command.js";
import { METADATA_FLAGS, metadataBody } from "../framework/kv-metadata.js";
import { MOUNT_FLAG, requireV2 } from "../framework/kv-path.js";
import { call } from "../framework/secret.js";
import { printWritten } from "../output/write-result.js";

export const command: Command = {
  usage: "kv metadata put [options] KEY",
  description: "Sets the metadata of a secret; makes it if it is new.\n\n    $ coffer kv metadata put -mount=secret -max-versions=5 foo",
  args: { min: 1, max: 1 },
  flags: [...METADATA_FLAGS, MOUNT_FLAG],
  run: async (context) => {
    const path = (await requireV2(context, context.args[0] ?? "", "Metadata not supported on KV Version 1")).under("metadata");
    const body = metadataBody(context.flags);
    return printWritten(context, await context.attempt(`Error writing data to ${path}`, call(await context.client(), "PUT", path, { body })), path);
  },
};
