import type { Command } from "../framework/command.js";
import { mountPath } from "../framework/paths.js";

export const command: Command = {
  usage: "auth disable [options] PATH",
  description: "Disables the auth method at a path: what it issued is revoked, what it stored is deleted.\n\n    $ coffer auth disable my-path/",
  args: { min: 1, max: 1 },
  run: async (context) => {
    const path = mountPath(context.args[0] ?? "");
    const client = await context.client();
    await context.attempt(`Error disabling auth method at ${path}`, client.send("DELETE", `sys/auth/${path.replace(/\/$/, "")}`));
    context.print(`Success! Disabled the auth method (if it existed) at: ${path}`);
  },
};
