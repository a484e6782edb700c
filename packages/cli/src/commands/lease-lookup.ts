import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { call } from "../framework/secret.js";

export const command: Command = {
  usage: "lease lookup [options] ID",
  description: "Prints a lease: when it was issued, when it expires.\n\n    $ coffer lease lookup database/creds/readonly/2f6a614c...",
  args: { min: 0, max: 1, expected: "1" },
  run: async (context) => {
    const id = (context.args[0] ?? "").trim();
    if (id === "") throw new Failure("Missing ID!");
    const secret = await context.attempt(`error looking up lease id ${id}`, call(await context.client(), "PUT", "sys/leases/lookup", { body: { lease_id: id } }));
    return secret === undefined ? 0 : context.printSecret(secret);
  },
};
