import type { Command } from "../framework/command.js";
import type { Context } from "../framework/context.js";
import { Failure } from "../framework/failure.js";

export const command: Command = {
  usage: "token revoke [options] [TOKEN | ACCESSOR]",
  description: "Revokes a token with all its children and leases.\n\n    $ coffer token revoke -self\n    $ coffer token revoke -mode=orphan 96ddf4bc-d217-f3ba-f9bd-017055595017",
  args: { min: 0, max: Infinity },
  flags: [
    { name: "accessor", kind: "bool", help: "The argument is an accessor." },
    { name: "self", kind: "bool", help: "Revoke the current token." },
    { name: "mode", kind: "string", help: "orphan leaves the children alone; path revokes what was issued under a path." },
  ],
  run: async (context) => {
    checkUsage(context);
    const { flags } = context;
    const token = (context.args[0] ?? "").trim();
    const client = await context.client();
    const [path, body] = flags.bool("self")
      ? ["auth/token/revoke-self", undefined]
      : flags.bool("accessor")
        ? ["auth/token/revoke-accessor", { accessor: token }]
        : flags.string("mode") === "orphan"
          ? ["auth/token/revoke-orphan", { token }]
          : flags.string("mode") === "path"
            ? [`sys/leases/revoke-prefix/${token}`, undefined]
            : ["auth/token/revoke", { token }];
    await context.attempt("Error revoking token", client.send("PUT", path ?? "", { body }));
    context.print("Success! Revoked token (if it existed)");
  },
};

function checkUsage({ flags, args }: Context): void {
  const self = flags.bool("self");
  const accessor = flags.bool("accessor");
  const mode = flags.string("mode");
  const refuse = (message: string): never => {
    throw new Failure(message);
  };
  if (!["", "orphan", "path"].includes(mode)) refuse(`Invalid mode: ${mode}`);
  if (self && args.length > 0) refuse(`Too many arguments with -self (expected 0, got ${args.length})`);
  if (!self && args.length > 1) refuse(`Too many arguments (expected 1 or -self, got ${args.length})`);
  if (!self && args.length < 1) refuse(`Not enough arguments (expected 1 or -self, got ${args.length})`);
  if (self && accessor) refuse("Cannot use -self with -accessor!");
  if (self && mode !== "") refuse("Cannot use -self with -mode!");
  if (accessor && mode !== "") refuse(`Cannot use -accessor with -mode=${mode}!`);
}
