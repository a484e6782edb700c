import type { Client } from "@coffer/client";
import { formatColumns } from "../output/columns.js";
import { orderedKeyStatus } from "../output/ordered.js";
import type { Context } from "./context.js";
import { call } from "./secret.js";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** Prints the term, age and use of the barrier's current key. */
export async function printKeyStatus(context: Context, client: Client, title?: string): Promise<number> {
  const secret = await context.attempt("Error reading key status", call(client, "GET", "sys/key-status"));
  const status = secret?.data ?? {};
  if (context.flags.has("field")) return context.printField(status[context.flags.string("field")], "map");
  if (context.format !== "table") return context.printData(orderedKeyStatus(status));
  if (title !== undefined) context.print(`${title}\n`);
  context.print(
    formatColumns([
      ["Key Term", String(status["term"] ?? "")],
      ["Install Time", formatRfc822(String(status["install_time"] ?? ""))],
      ["Encryption Count", String(status["encryptions"] ?? 0)],
    ]),
  );
  return 0;
}

/** "02 Jan 26 15:04 UTC", as Go's time.RFC822. */
function formatRfc822(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return text;
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(time.getUTCDate())} ${MONTHS[time.getUTCMonth()]} ${two(time.getUTCFullYear() % 100)} ${two(time.getUTCHours())}:${two(time.getUTCMinutes())} UTC`;
}
