import type { Command } from "../framework/command.js";
import { METADATA_FLAGS, metadataBody } from "../framework/kv-metadata.js";
import { MOUNT_FLAG, requireV2 } from "../framework/kv-path.js";
import { call } from "../framework/secret.js";
import { printWritten } from "../output/write-result.js";

export const command: Command = {
  usage: "kv metadata patch [options] KEY",
  description: "Changes some of the metadata of a secret and keeps the rest.\n\n    $ coffer kv metadata patch -mount=secret -custom-metadata=owner=me foo",
  args: { min: 1, max: 1 },
  flags: [...METADATA_FLAGS, { name: "remove-custom-metadata", kind: "list", help: "A key of custom metadata to remove. May be repeated." }, MOUNT_FLAG],
  run: async (context) => {
    const { flags } = context;
    const path = (await requireV2(context, context.args[0] ?? "", "Metadata not supported on KV Version 1")).under("metadata");
    const removed = Object.fromEntries(flags.list("remove-custom-metadata").map((key) => [key, null]));
    const body = { ...metadataBody(flags), custom_metadata: { ...flags.map("custom-metadata"), ...removed } };
    return printWritten(context, await context.attempt(`Error writing data to ${path}`, call(await context.client(), "PATCH", path, { body })), path);
  },
};
