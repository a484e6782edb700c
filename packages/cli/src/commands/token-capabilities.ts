import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { call } from "../framework/secret.js";
import { compareBytes } from "../output/go-value.js";

export const command: Command = {
  usage: "token capabilities [options] [TOKEN] PATH",
  description: "Prints what a token, by default the current one, may do at a path.\n\n    $ coffer token capabilities cubbyhole/foo",
  args: { min: 1, max: 2, expected: "1-2" },
  run: async (context) => {
    const { args } = context;
    const path = args.at(-1) ?? "";
    const client = await context.client();
    const work =
      args.length === 1
        ? call(client, "POST", "sys/capabilities-self", { body: { path } })
        : call(client, "POST", "sys/capabilities", { body: { token: args[0], path } });
    const secret = await context.attempt("Error listing capabilities", work);
    const found = secret?.data?.["capabilities"] ?? secret?.data?.[path];
    if (!Array.isArray(found)) throw new Failure("No capabilities found", 2);
    if (context.format !== "table") return context.printData(found);
    context.print(found.map(String).sort(compareBytes).join(", "));
    return 0;
  },
};
