import type { Command } from "../framework/command.js";
import { LOCKOUT_FLAGS, MOUNT_CONFIG_FLAGS, lockoutConfig, mountConfig, mountOptions } from "../framework/mount-config.js";
import { mountPath } from "../framework/paths.js";

export const command: Command = {
  usage: "auth tune [options] PATH",
  description: "Changes the configuration of the auth method at a path.\n\n    $ coffer auth tune -default-lease-ttl=72h my-path/",
  args: { min: 1, max: 1 },
  flags: [...MOUNT_CONFIG_FLAGS, ...LOCKOUT_FLAGS],
  run: async (context) => {
    const { flags } = context;
    const path = mountPath(context.args[0] ?? "");
    const options = mountOptions(flags);
    const lockout = lockoutConfig(flags);
    const body = {
      ...(lockout && { user_lockout_config: lockout }),
      ...mountConfig(flags),
      ...(flags.has("description") ? { description: flags.string("description") } : {}),
      ...(options === undefined ? {} : { options }),
    };
    const client = await context.client();
    await context.attempt(`Error tuning auth method ${path}`, client.send("POST", `sys/auth/${path}tune`, { body }));
    context.print(`Success! Tuned the auth method at: ${path}`);
  },
};
