import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { MOUNT_FLAG, VERSIONS_FLAG, requireV2, versionList } from "../framework/kv-path.js";
import { call } from "../framework/secret.js";
import { printWritten } from "../output/write-result.js";

export const command: Command = {
  usage: "kv destroy [options] KEY",
  description: "Removes versions of a secret for good.\n\n    $ coffer kv destroy -mount=secret -versions=3 foo",
  args: { min: 1, max: 1 },
  flags: [VERSIONS_FLAG, MOUNT_FLAG],
  run: async (context) => {
    const versions = versionList(context);
    if (versions.length === 0) throw new Failure('No versions provided, use the "-versions" flag to specify the version to destroy.');
    const path = (await requireV2(context, context.args[0] ?? "", "Destroy not supported on KV Version 1")).under("destroy");
    const secret = await context.attempt(`Error writing data to ${path}`, call(await context.client(), "PUT", path, { body: { versions } }));
    return printWritten(context, secret, path);
  },
};
