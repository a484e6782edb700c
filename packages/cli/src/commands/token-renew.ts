import type { Command } from "../framework/command.js";
import { call } from "../framework/secret.js";

export const command: Command = {
  usage: "token renew [options] [TOKEN]",
  description: "Renews a token, by default the current one.\n\n    $ coffer token renew -increment=30m",
  args: { min: 0, max: 1, expected: "1" },
  flags: [
    { name: "accessor", kind: "bool", help: "The argument is an accessor." },
    { name: "increment", kind: "duration", help: "Lifetime to ask for, from now." },
    { name: "i", kind: "duration", help: "Short for -increment.", hidden: true },
  ],
  run: async (context) => {
    const { flags } = context;
    const token = (context.args[0] ?? "").trim();
    const increment = Math.max(0, Math.trunc(flags.duration("increment", flags.duration("i"))));
    const client = await context.client();
    const work =
      token === ""
        ? call(client, "PUT", "auth/token/renew-self", { body: { increment } })
        : flags.bool("accessor")
          ? call(client, "POST", "auth/token/renew-accessor", { body: { accessor: token, increment } })
          : call(client, "PUT", "auth/token/renew", { body: { token, increment } });
    const secret = await context.attempt("Error renewing token", work);
    return secret === undefined ? 0 : context.printSecret(secret);
  },
};
