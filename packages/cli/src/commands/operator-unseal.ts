import { sys } from "@coffer/client";
import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { readAll } from "../framework/io.js";
import { askHidden } from "../framework/prompt.js";
import { printSealStatus } from "../framework/seal-status.js";

export const command: Command = {
  usage: "operator unseal [options] [KEY]",
  description:
    "Gives one key share to a sealed server. Without an argument it is asked for and not shown, which keeps it out of the shell's history; where it is \"-\" it is read from standard input.\n\n    $ coffer operator unseal",
  args: { min: 0, max: 1, expected: "1" },
  flags: [
    { name: "reset", kind: "bool", help: "Forget the shares given so far." },
    { name: "migrate", kind: "bool", help: "Give the share for a migration of the seal." },
  ],
  run: async (context) => {
    const { flags } = context;
    const client = await context.client();
    if (flags.bool("reset")) {
      return printSealStatus(context, client, await context.attempt("Error resetting unseal process", sys.unseal(client, { reset: true })));
    }
    let key = (context.args[0] ?? "").trim();
    if ((key === "" || key === "-") && flags.bool("non-interactive")) {
      throw new Failure("Refusing to read from stdin with -non-interactive specified; specify unseal key as an argument to this command");
    }
    if (key === "-") key = (await readAll(context.io.stdin)).trim();
    else if (key === "") key = await askHidden(context.io, "Unseal Key (will be hidden): ", false);
    if (key === "") throw new Failure("No unseal key was given. Run this on a terminal, pipe the key in, or give it as an argument.");
    const body = flags.bool("migrate") ? { key, migrate: true } : { key };
    return printSealStatus(context, client, await context.attempt("Error unsealing", sys.unseal(client, body)));
  },
};
