import { raft } from "@coffer/client";
import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";

export const command: Command = {
  usage: "operator raft demote [options] <server id>",
  description: "Takes a server its vote. It goes on holding all data and answering reads.\n\n    $ coffer operator raft demote node1",
  args: { min: 0, max: Infinity },
  run: async (context) => {
    if (context.args.length !== 1) throw new Failure(`Incorrect arguments (expected 1, got ${context.args.length})`);
    const id = (context.args[0] ?? "").trim();
    if (id === "") throw new Failure("Server id is required");
    await context.attempt("Error demoting server", raft.letVote(await context.client(), id, false));
    context.print("Server demoted successfully!");
  },
};
