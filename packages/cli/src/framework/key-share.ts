import type { Context } from "./context.js";
import { Failure } from "./failure.js";
import { readAll } from "./io.js";
import { askHidden } from "./prompt.js";

export type GivenShare = { readonly key: string; readonly nonce: string };

/**
 * One key share: the argument, standard input where that is "-", or what is typed, unseen, where there is none. Who is asked is
 * told the nonce of what it is for; whoever gives it otherwise has to say it.
 */
export async function readKeyShare(context: Context, { nonce: current, title, question }: { readonly nonce: string; readonly title: string; readonly question: string }): Promise<GivenShare> {
  const { flags, io } = context;
  const silent = flags.bool("non-interactive");
  const given = (context.args[0] ?? "").trim();
  let key = given;
  let nonce = flags.string("nonce");
  if (given === "-") key = silent ? "" : (await readAll(io.stdin)).trim();
  else if (given === "") {
    if (silent) throw new Failure("Refusing to read from stdin with -non-interactive specified; specify nonce via the -nonce flag");
    io.stderr.write(`${title}: ${current}\n`);
    key = await askHidden(io, question, false);
    nonce = current;
  }
  if (nonce === "") throw new Failure("Missing nonce value: specify it via the -nonce flag");
  if (key === "") throw new Failure("No key was given. Run this on a terminal, pipe the key in, or give it as an argument.");
  return { key, nonce };
}
