import type { Command } from "../framework/command.js";
import type { Context } from "../framework/context.js";
import { Failure } from "../framework/failure.js";
import { formatExactJson, recordOf } from "../framework/json.js";
import { MOUNT_FLAG, requireV2 } from "../framework/kv-path.js";
import { call, callOrMiss } from "../framework/secret.js";
import { printWritten } from "../output/write-result.js";

export const command: Command = {
  usage: "kv rollback [options] KEY",
  description: "Writes an earlier version of a secret again, as its newest.\n\n    $ coffer kv rollback -mount=secret -version=2 foo",
  args: { min: 1, max: 1 },
  flags: [{ name: "version", kind: "int", help: "The version to go back to." }, MOUNT_FLAG],
  run: async (context) => {
    const version = context.flags.int("version");
    if (!context.flags.has("version")) throw new Failure("Version flag must be specified");
    if (version <= 0) throw new Failure(`Invalid value ${version} for the version flag`);
    const path = (await requireV2(context, context.args[0] ?? "", "K/V engine mount must be version 2 for rollback support", 2)).under("data");

    const current = await preRead(context, path, {});
    const wanted = await preRead(context, path, { version });
    const deleted = wanted.metadata["deletion_time"];
    if (typeof deleted === "string" && deleted !== "") throw new Failure("Cannot roll back to a version that has been deleted", 2);
    if (wanted.metadata["destroyed"] === true) throw new Failure("Cannot roll back to a version that has been destroyed", 2);
    if (wanted.data === undefined) throw new Failure(`No data found at ${path}; rollback only works on existing data`, 2);

    const body = { data: wanted.data, options: { cas: current.metadata["version"] } };
    const options = { rawBody: await formatExactJson(body), headers: { "Content-Type": "application/json" } };
    const secret = await context.attempt(`Error writing data to ${path}`, call(await context.client(), "PUT", path, options));
    return printWritten(context, secret, path);
  },
};

async function preRead(context: Context, path: string, query: Record<string, number>): Promise<{ data: Record<string, unknown> | undefined; metadata: Record<string, unknown> }> {
  const secret = await context.attempt(`Error doing pre-read at ${path}`, callOrMiss(await context.preflight(), "GET", path, { query }));
  if (secret?.data === undefined) throw new Failure(`No value found at ${path}`, 2);
  const metadata = recordOf(secret.data["metadata"]);
  if (metadata === undefined) throw new Failure(`No metadata found at ${path}; rollback only works on existing data`, 2);
  return { data: recordOf(secret.data["data"]), metadata };
}
