import type { Command } from "../framework/command.js";
import { moveMount } from "../framework/remount.js";

export const command: Command = {
  usage: "secrets move [options] SOURCE DESTINATION",
  description: "Moves the secrets engine at one path to another. What it issued is revoked.\n\n    $ coffer secrets move old/ new/",
  args: { min: 2, max: 2 },
  run: (context) => moveMount(context, "secrets engine"),
};
