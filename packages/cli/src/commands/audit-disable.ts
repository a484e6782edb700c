import type { Command } from "../framework/command.js";
import { mountPath } from "../framework/paths.js";

export const command: Command = {
  usage: "audit disable [options] PATH",
  description: "Disables the audit device at a path. Without any, nobody can tell what was done.\n\n    $ coffer audit disable file/",
  args: { min: 1, max: 1 },
  run: async (context) => {
    const path = mountPath(context.args[0] ?? "");
    const client = await context.client();
    await context.attempt("Error disabling audit device", client.send("DELETE", `sys/audit/${path.replace(/\/$/, "")}`));
    context.print(`Success! Disabled audit device (if it was enabled) at: ${path}`);
  },
};
