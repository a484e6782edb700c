import type { Context } from "../framework/context.js";
import { Failure } from "../framework/failure.js";
import { recordOf } from "../framework/json.js";
import type { Secret } from "../framework/secret.js";
import { formatTable } from "./columns.js";
import { humanField } from "./duration.js";
import { compareBytes, formatGoValue } from "./go-value.js";
import { formatJson } from "./json.js";
import { orderedSecret } from "./ordered.js";

/** Prints what a LIST answered, as every list command does; a miss is exit code 2. */
export async function printList(context: Context, secret: Secret | undefined, path: string): Promise<number> {
  if (secret?.wrapInfo !== undefined) return context.printSecret(secret);
  const keys = listKeys(secret);
  if (context.format !== "table" && keys === undefined) {
    await context.printData({});
    return 2;
  }
  if (secret === undefined) throw new Failure(`No value found at ${path}`, 2);
  if (secret.data === undefined) return context.printSecret(secret);
  if (keys === undefined) throw new Failure(`No entries found at ${path}`, 2);
  const detailed = context.flags.bool("detailed");
  if (context.format === "json" && detailed) context.print(formatJson(orderedSecret(secret)));
  else if (context.format !== "table") await context.printData(keys);
  else {
    context.printWarnings(secret);
    if (keys.length > 0) context.print(formatKeys(keys, detailed ? recordOf(secret.data["key_info"]) : undefined));
  }
  return 0;
}

export function listKeys(secret: Secret | undefined): readonly unknown[] | undefined {
  const keys = secret?.data?.["keys"];
  return Array.isArray(keys) ? keys : undefined;
}

function formatKeys(keys: readonly unknown[], info: Readonly<Record<string, unknown>> | undefined): string {
  const names = keys.map(String).sort(compareBytes);
  const about = names.map((name) => recordOf(info?.[name]));
  const columns = [...new Set(about.flatMap((fields) => Object.keys(fields ?? {})))].sort(compareBytes);
  const cells = (fields: Readonly<Record<string, unknown>> | undefined): string[] =>
    fields === undefined ? [] : columns.map((column) => (column in fields ? formatGoValue(humanField(column, fields[column])) : "n/a"));
  return formatTable([["Keys", ...columns], ...names.map((name, index) => [name, ...cells(about[index])])]);
}
