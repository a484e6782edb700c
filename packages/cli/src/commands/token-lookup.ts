import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { call } from "../framework/secret.js";

export const command: Command = {
  usage: "token lookup [options] [TOKEN | ACCESSOR]",
  description: "Prints what the server knows about a token, by default the current one.\n\n    $ coffer token lookup -accessor 9793c9b3-e04a-46f3-e7b8-748d7da248da",
  args: { min: 0, max: 1, expected: "0-1" },
  flags: [{ name: "accessor", kind: "bool", help: "The argument is an accessor." }],
  run: async (context) => {
    const token = (context.args[0] ?? "").trim();
    const byAccessor = context.flags.bool("accessor");
    if (byAccessor && token === "") throw new Failure(`Not enough arguments with -accessor (expected 1, got ${context.args.length})`);
    const client = await context.client();
    const work =
      token === ""
        ? call(client, "GET", "auth/token/lookup-self")
        : byAccessor
          ? call(client, "POST", "auth/token/lookup-accessor", { body: { accessor: token } })
          : call(client, "POST", "auth/token/lookup", { body: { token } });
    const secret = await context.attempt("Error looking up token", work);
    return secret === undefined ? 0 : context.printSecret(secret);
  },
};
