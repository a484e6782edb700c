import { raft } from "@coffer/client";
import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";

export const command: Command = {
  usage: "operator raft promote [options] <server id>",
  description: "Lets a server vote that joined without a vote, or was demoted.\n\n    $ coffer operator raft promote node1",
  args: { min: 0, max: Infinity },
  run: async (context) => {
    if (context.args.length !== 1) throw new Failure(`Incorrect arguments (expected 1, got ${context.args.length})`);
    const id = (context.args[0] ?? "").trim();
    if (id === "") throw new Failure("Server id is required");
    await context.attempt("Error promoting server", raft.letVote(await context.client(), id, true));
    context.print("Server promoted successfully!");
  },
};
