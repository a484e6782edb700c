import type { Command } from "../framework/command.js";
import { ENABLE_FLAGS, MOUNT_CONFIG_FLAGS, mountConfig, mountOptions } from "../framework/mount-config.js";
import { mountPath } from "../framework/paths.js";

export const command: Command = {
  usage: "auth enable [options] TYPE",
  description: "Enables a auth method, by default at a path named like its type.\n\n    $ coffer auth enable -path=my-path userpass",
  args: { min: 1, max: 1 },
  flags: [...ENABLE_FLAGS, ...MOUNT_CONFIG_FLAGS],
  run: async (context) => {
    const { flags } = context;
    const type = (context.args[0] ?? "").trim();
    const path = mountPath(flags.string("path") || type);
    const body = {
      type,
      description: flags.string("description"),
      local: flags.bool("local"),
      seal_wrap: flags.bool("seal-wrap"),
      external_entropy_access: flags.bool("external-entropy-access"),
      config: { ...mountConfig(flags), ...(flags.bool("force-no-cache") ? { force_no_cache: true } : {}) },
      options: mountOptions(flags) ?? null,
    };
    const client = await context.client();
    await context.attempt(`Error enabling ${type} auth`, client.send("POST", `sys/auth/${path.replace(/\/$/, "")}`, { body }));
    context.print(`Success! Enabled ${type} auth method at: ${path}`);
  },
};
