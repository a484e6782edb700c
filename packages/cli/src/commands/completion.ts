import type { Command } from "../framework/command.js";
import { printCompletionScript } from "../framework/completion.js";

export const command: Command = {
  usage: "completion",
  description: "Prints a script that completes commands and flags when Tab is pressed, for the shell that SHELL names (bash or zsh). To have it in every new shell:\n\n      $ coffer completion >> ~/.bashrc",
  run: async () => printCompletionScript(),
};
