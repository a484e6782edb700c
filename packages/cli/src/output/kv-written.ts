import type { Context } from "../framework/context.js";
import type { Secret } from "../framework/secret.js";
import { formatHeader, formatMapHeader } from "./header.js";
import { formatMapTable } from "./secret-table.js";
import { printDone } from "./write-result.js";

/** Prints the metadata of a version that was just written. */
export async function printKvWritten(context: Context, secret: Secret | undefined, path: string): Promise<number> {
  if (secret === undefined) {
    printDone(context, `Success! Data written to: ${path}`);
    return 0;
  }
  if (context.flags.has("field") || secret.wrapInfo !== undefined || context.format !== "table") return context.printSecret(secret);
  const metadata = secret.data ?? {};
  context.print(`${formatHeader("Secret Path", Buffer.byteLength(path))}\n${path}\n`);
  context.print(`${formatMapHeader("Metadata", metadata)}\n${formatMapTable(metadata)}`);
  return 0;
}
