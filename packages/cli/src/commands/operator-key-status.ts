import type { Command } from "../framework/command.js";
import { printKeyStatus } from "../framework/key-status.js";

export const command: Command = {
  usage: "operator key-status [options]",
  description: "Prints the term and age of the key that the barrier encrypts with.",
  run: async (context) => printKeyStatus(context, await context.client()),
};
