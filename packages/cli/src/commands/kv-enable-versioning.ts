import type { Command } from "../framework/command.js";
import { mountPath } from "../framework/paths.js";

export const command: Command = {
  usage: "kv enable-versioning [options] MOUNT",
  description: "Turns a KV engine of version 1 into version 2.\n\n    $ coffer kv enable-versioning secret",
  args: { min: 1, max: 1 },
  run: async (context) => {
    const path = mountPath(context.args[0] ?? "");
    const client = await context.client();
    await context.attempt(`Error tuning secrets engine ${path}`, client.send("POST", `sys/mounts/${path}tune`, { body: { options: { version: "2" } } }));
    context.print(`Success! Tuned the secrets engine at: ${path}`);
  },
};
