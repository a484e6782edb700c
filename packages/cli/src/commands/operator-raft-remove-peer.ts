import { raft } from "@coffer/client";
import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";

export const command: Command = {
  usage: "operator raft remove-peer [options] <server id>",
  description: "Removes a peer from the Raft cluster.\n\n    $ coffer operator raft remove-peer node1",
  args: { min: 0, max: Infinity },
  run: async (context) => {
    if (context.args.length !== 1) throw new Failure(`Incorrect arguments (expected 1, got ${context.args.length})`);
    const id = (context.args[0] ?? "").trim();
    if (id === "") throw new Failure("Server id is required");
    await context.attempt("Error removing the peer from raft cluster", raft.removePeer(await context.client(), id));
    context.print("Peer removed successfully!");
  },
};
