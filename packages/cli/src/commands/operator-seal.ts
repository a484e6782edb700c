import type { Command } from "../framework/command.js";

export const command: Command = {
  usage: "operator seal [options]",
  description: "Seals the server: it drops its keys from memory and answers nothing until it is unsealed.",
  run: async (context) => {
    const client = await context.client();
    await context.attempt("Error sealing", client.send("PUT", "sys/seal"));
    context.print("Success! Vault is sealed.");
  },
};
