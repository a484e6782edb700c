import type { Command } from "../framework/command.js";

export const command: Command = {
  usage: "operator step-down [options]",
  description: "Makes the active node give up its place to another one.",
  run: async (context) => {
    const client = await context.client();
    await context.attempt("Error stepping down", client.send("PUT", "sys/step-down"));
    context.print(`Success! Stepped down: ${client.address}`);
  },
};
