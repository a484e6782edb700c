import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { call } from "../framework/secret.js";

export const command: Command = {
  usage: "lease renew [options] ID",
  description: "Renews a lease.\n\n    $ coffer lease renew -increment=1h database/creds/readonly/2f6a614c...",
  args: { min: 0, max: 1, expected: "1-2" },
  flags: [{ name: "increment", kind: "duration", help: "Lifetime to ask for, from now." }],
  run: async (context) => {
    const id = (context.args[0] ?? "").trim();
    if (id === "") throw new Failure("Missing ID!");
    const increment = Math.max(0, Math.trunc(context.flags.duration("increment")));
    const body = { increment, lease_id: id };
    const secret = await context.attempt(`Error renewing ${id}`, call(await context.client(), "PUT", "sys/leases/renew", { body }));
    return secret === undefined ? 0 : context.printSecret(secret);
  },
};
