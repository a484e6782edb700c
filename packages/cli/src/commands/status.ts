import { sys } from "@coffer/client";
import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { printSealStatus } from "../framework/seal-status.js";

export const command: Command = {
  usage: "status [options]",
  description: "Prints whether the server is sealed and its place in the cluster.\n\nExits with 0 if it is unsealed, 1 on an error, 2 if it is sealed.",
  run: async (context) => {
    try {
      // Only the root namespace can be asked while sealed.
      const client = (await context.client()).with({ namespace: "" });
      const status = await context.attempt("Error checking seal status", sys.sealStatus(client));
      const code = await printSealStatus(context, client, status);
      return status.sealed ? 2 : code;
    } catch (error) {
      // 2 is taken: it means sealed here.
      if (error instanceof Failure) throw new Failure(error.message, 1, { cause: error.cause });
      throw error;
    }
  },
};
