import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { recordOf } from "../framework/json.js";
import { MOUNT_FLAG, requireV2 } from "../framework/kv-path.js";
import { callOrMiss } from "../framework/secret.js";
import { formatHeader, formatMapHeader } from "../output/header.js";
import { formatMapTable } from "../output/secret-table.js";

export const command: Command = {
  usage: "kv metadata get [options] KEY",
  description: "Prints the metadata of a secret and of each of its versions.\n\n    $ coffer kv metadata get -mount=secret foo",
  args: { min: 1, max: 1 },
  flags: [MOUNT_FLAG],
  run: async (context) => {
    const path = (await requireV2(context, context.args[0] ?? "", "Metadata not supported on KV Version 1")).under("metadata");
    const secret = await context.attempt(`Error reading ${path}`, callOrMiss(await context.client(), "GET", path));
    if (secret === undefined) throw new Failure(`No value found at ${path}`, 2);
    if (context.flags.has("field") || secret.wrapInfo !== undefined || context.format !== "table") return context.printSecret(secret);

    const { versions: raw, ...metadata } = secret.data ?? {};
    const versions = recordOf(raw);
    if (versions === undefined) throw new Failure(`No value found at ${path}`, 2);
    context.print(`${formatHeader("Metadata Path", Buffer.byteLength(path))}\n${path}\n`);
    context.print(formatMapHeader("Metadata", metadata));
    await context.printSecret({ ...secret, data: metadata });
    for (const version of Object.keys(versions).map(Number).sort((a, b) => a - b)) {
      const fields = recordOf(versions[String(version)]) ?? {};
      context.print(`\n${formatMapHeader(`Version ${version}`, fields)}\n${formatMapTable(fields)}`);
    }
    return 0;
  },
};
