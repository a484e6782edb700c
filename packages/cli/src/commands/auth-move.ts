import type { Command } from "../framework/command.js";
import { moveMount } from "../framework/remount.js";

export const command: Command = {
  usage: "auth move [options] SOURCE DESTINATION",
  description: "Moves the auth method at one path to another. What it issued is revoked.\n\n    $ coffer auth move auth/old/ auth/new/",
  args: { min: 2, max: 2 },
  run: (context) => moveMount(context, "auth method"),
};
