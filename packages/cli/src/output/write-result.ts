import type { Secret } from "../framework/secret.js";
import type { Context } from "../framework/context.js";
import { needsMfa, validateInteractively } from "../framework/mfa.js";

/** Prints what came back from a write, or that it was done. */
export async function printWritten(context: Context, secret: Secret | undefined, path: string): Promise<number> {
  if (secret === undefined) {
    printDone(context, `Success! Data written to: ${path}`);
    return 0;
  }
  return context.printSecret(needsMfa(secret) ? await validateInteractively(context, secret) : secret);
}

/** Success lines are for people: other formats print data or nothing. */
export function printDone(context: Context, line: string): void {
  if (context.format === "table") context.print(line);
}

