import { ApiError } from "@coffer/client";
import { parseData } from "../framework/arguments.js";
import type { Command } from "../framework/command.js";
import type { Context } from "../framework/context.js";
import { Failure } from "../framework/failure.js";
import { formatExactJson, recordOf } from "../framework/json.js";
import { MOUNT_FLAG, requireV2 } from "../framework/kv-path.js";
import { call, callOrMiss, type Secret } from "../framework/secret.js";
import { printKvWritten } from "../output/kv-written.js";

export const command: Command = {
  usage: "kv patch [options] KEY [DATA]",
  description:
    "Changes some keys of a secret and keeps the others (KV version 2).\n\nBy default with an HTTP PATCH, or where the policy or server does not allow that, by reading and writing back.\n\n    $ coffer kv patch -mount=secret foo bar=baz",
  args: { min: 1, max: Infinity, expected: ">1" },
  flags: [
    { name: "cas", kind: "int", help: "Patch only if this is the current version." },
    { name: "method", kind: "string", help: "patch or rw (read, then write)." },
    { name: "remove-data", kind: "list", help: "A key to remove. May be repeated." },
    MOUNT_FLAG,
  ],
  run: async (context) => {
    const { args, flags } = context;
    if (args.length === 1 && flags.list("remove-data").length === 0) throw new Failure("Must supply data");
    const method = flags.string("method");
    const data = await parseData(context, args.slice(1));
    for (const key of flags.list("remove-data")) data[key] = null;
    const kv = await requireV2(context, args[0] ?? "", "K/V engine mount must be version 2 for patch support", 2);
    if (!["", "rw", "patch"].includes(method)) throw new Failure(`Unsupported method provided to -method flag: ${method}`, 2);
    const path = kv.under("data");
    const secret = method === "rw" ? await readThenWrite(context, path, data) : await mergePatch(context, path, data, method === "");
    return printKvWritten(context, secret, path);
  },
};

async function mergePatch(context: Context, path: string, data: Record<string, unknown>, mayFallBack: boolean): Promise<Secret | undefined> {
  const cas = context.flags.int("cas");
  const rawBody = await formatExactJson({ data, options: cas > 0 ? { cas } : {} });
  const headers = { "Content-Type": "application/merge-patch+json" };
  try {
    return await context.attempt(`Error writing data to ${path}`, call(await context.client(), "PATCH", path, { rawBody, headers }));
  } catch (error) {
    const status = error instanceof Failure && error.cause instanceof ApiError ? error.cause.status : 0;
    if (!mayFallBack || (status !== 405 && status !== 403)) throw error;
    if (status === 403) {
      context.warn(`Data was written to ${path} but we recommend that you add the "patch" capability to your ACL policy in order to use HTTP PATCH in the future.`);
    }
    return readThenWrite(context, path, data);
  }
}

async function readThenWrite(context: Context, path: string, changes: Record<string, unknown>): Promise<Secret | undefined> {
  const before = await context.attempt(`Error doing pre-read at ${path}`, callOrMiss(await context.preflight(), "GET", path));
  if (before?.data === undefined) throw new Failure(`No value found at ${path}`, 2);
  const old = recordOf(before.data["data"]);
  const metadata = recordOf(before.data["metadata"]);
  if (metadata === undefined) throw new Failure(`No metadata found at ${path}; patch only works on existing data`, 2);
  if (old === undefined) throw new Failure(`No data found at ${path}; patch only works on existing data`, 2);
  // Unlike a merge patch, this writes what it is given: a removed key has to go here.
  const data = Object.fromEntries(Object.entries({ ...old, ...changes }).filter(([, value]) => value !== null));
  const options = { rawBody: await formatExactJson({ data, options: { cas: metadata["version"] } }), headers: { "Content-Type": "application/json" } };
  return context.attempt(`Error writing data to ${path}`, call(await context.client(), "PUT", path, options));
}
