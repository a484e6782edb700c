import type { Command } from "../framework/command.js";
import { printKeyStatus } from "../framework/key-status.js";

export const command: Command = {
  usage: "operator rotate [options]",
  description: "Adds a new key to the barrier's keyring. What is written from now on is encrypted with it.",
  run: async (context) => {
    const client = await context.client();
    await context.attempt("Error rotating key", client.send("POST", "sys/rotate"));
    return printKeyStatus(context, client, "Success! Rotated key");
  },
};
