import type { Context } from "./context.js";
import type { Flag } from "./flags.js";

/** One command. Usage, help and flag parsing follow from this declaration. */
export type Command = {
  /** After the program's name: "kv get [options] KEY". */
  readonly usage: string;
  /** Paragraphs for -help. */
  readonly description: string;
  readonly flags?: readonly Flag[];
  /** How many positional arguments; `expected` is how the message puts it. */
  readonly args?: { readonly min: number; readonly max: number; readonly expected?: string };
  /** Flags end at the first argument: what follows belongs to another program. */
  readonly flagsFirst?: true;
  /** Whether -detailed and -format=raw mean something here. */
  readonly detailed?: true;
  readonly raw?: true;
  /** Exit code of every error, for a command to which 2 means something else. */
  readonly errorCode?: number;
  /** Resolves with the exit code; nothing is 0. */
  run(context: Context): Promise<number | void>;
};
