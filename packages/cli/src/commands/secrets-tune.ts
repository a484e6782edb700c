import type { Command } from "../framework/command.js";
import { MOUNT_CONFIG_FLAGS, mountConfig, mountOptions } from "../framework/mount-config.js";
import { mountPath } from "../framework/paths.js";

export const command: Command = {
  usage: "secrets tune [options] PATH",
  description: "Changes the configuration of the secrets engine at a path.\n\n    $ coffer secrets tune -default-lease-ttl=72h my-path/",
  args: { min: 1, max: 1 },
  flags: MOUNT_CONFIG_FLAGS,
  run: async (context) => {
    const { flags } = context;
    const path = mountPath(context.args[0] ?? "");
    const options = mountOptions(flags);
    const body = {
      ...mountConfig(flags),
      ...(flags.has("description") ? { description: flags.string("description") } : {}),
      ...(options === undefined ? {} : { options }),
    };
    const client = await context.client();
    await context.attempt(`Error tuning secrets engine ${path}`, client.send("POST", `sys/mounts/${path}tune`, { body }));
    context.print(`Success! Tuned the secrets engine at: ${path}`);
  },
};
