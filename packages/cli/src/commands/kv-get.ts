import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { recordOf } from "../framework/json.js";
import { MOUNT_FLAG, resolveKvPath } from "../framework/kv-path.js";
import { callOrMiss } from "../framework/secret.js";
import { formatHeader, formatMapHeader } from "../output/header.js";
import { formatMapTable } from "../output/secret-table.js";

export const command: Command = {
  usage: "kv get [options] KEY",
  description: "Reads a secret from the key-value store.\n\n    $ coffer kv get -mount=secret foo\n    $ coffer kv get -mount=secret -version=1 foo",
  args: { min: 1, max: 1 },
  flags: [{ name: "version", kind: "int", help: "Read this version instead of the latest." }, MOUNT_FLAG],
  run: async (context) => {
    const { flags, print } = context;
    const kv = await resolveKvPath(context, context.args[0] ?? "");
    const path = kv.under("data");
    const query = kv.v2 && flags.int("version") > 0 ? { version: flags.int("version") } : {};
    const secret = await context.attempt(`Error reading ${path}`, callOrMiss(await context.client(), "GET", path, { query }));
    if (secret === undefined) throw new Failure(`No value found at ${path}`, 2);
    const inner = kv.v2 ? recordOf(secret.data?.["data"]) : secret.data;

    if (flags.has("field") && kv.v2 && secret.wrapInfo === undefined) {
      if (inner === undefined) throw new Failure(`No data found at ${path}`, 2);
      const field = flags.string("field");
      return context.printField(Object.hasOwn(inner, field) ? inner[field] : field === "data" ? inner : undefined, "map");
    }
    if (flags.has("field") || secret.wrapInfo !== undefined || context.format !== "table") return context.printSecret(secret);

    context.printWarnings(secret);
    if (kv.v2) print(`${formatHeader("Secret Path", Buffer.byteLength(path))}\n${path}\n`);
    const metadata = recordOf(secret.data?.["metadata"]);
    if (metadata !== undefined) print(`${formatMapHeader("Metadata", metadata)}\n${formatMapTable(metadata)}\n`);
    if (inner !== undefined) {
      const table = formatMapTable(inner);
      print(formatMapHeader("Data", inner) + (table === "" ? "" : `\n${table}`));
    }
    return 0;
  },
};
