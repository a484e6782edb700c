import type { Command } from "../framework/command.js";

/** Coffer speaks the API of this release; the number is its own. */
export const VERSION = "0.1.0";

export const command: Command = {
  usage: "version",
  description: "Prints the version of this program.",
  run: async (context) => context.print(`Coffer v${VERSION}`),
};
