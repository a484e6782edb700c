import type { Command } from "../framework/command.js";
import { mountPath } from "../framework/paths.js";

export const command: Command = {
  usage: "secrets disable [options] PATH",
  description: "Disables the secrets engine at a path: what it issued is revoked, what it stored is deleted.\n\n    $ coffer secrets disable my-path/",
  args: { min: 1, max: 1 },
  run: async (context) => {
    const path = mountPath(context.args[0] ?? "");
    const client = await context.client();
    await context.attempt(`Error disabling secrets engine at ${path}`, client.send("DELETE", `sys/mounts/${path.replace(/\/$/, "")}`));
    context.print(`Success! Disabled the secrets engine (if it existed) at: ${path}`);
  },
};
