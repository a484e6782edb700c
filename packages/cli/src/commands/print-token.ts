import type { Command } from "../framework/command.js";

export const command: Command = {
  usage: "print token",
  description: "Prints the token that commands would use: VAULT_TOKEN, else the one of the last login.",
  run: async (context) => context.print((await context.preflight()).options.token ?? ""),
};
