import { sys } from "@coffer/client";
import type { Command } from "../framework/command.js";
import { printSealStatus } from "../framework/seal-status.js";

const EXIT_SEALED = 2;

export const command: Command = {
  usage: "status [options]",
  description: "Prints whether the server is sealed and its place in the cluster.\n\nExits with 0 if it is unsealed, 1 on an error, 2 if it is sealed.",
  errorCode: 1,
  run: async (context) => {
    // Only the root namespace can be asked while sealed.
    const client = (await context.client()).with({ namespace: "" });
    const status = await context.attempt("Error checking seal status", sys.sealStatus(client));
    const code = await printSealStatus(context, client, status);
    return status.sealed ? EXIT_SEALED : code;
  },
};
