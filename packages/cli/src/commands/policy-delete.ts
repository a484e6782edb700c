import type { Command } from "../framework/command.js";

export const command: Command = {
  usage: "policy delete [options] NAME",
  description: "Deletes a policy. Tokens that carry it lose what it allowed, at once.\n\n    $ coffer policy delete my-policy",
  args: { min: 1, max: 1 },
  run: async (context) => {
    const name = (context.args[0] ?? "").trim().toLowerCase();
    const client = await context.client();
    await context.attempt(`Error deleting ${name}`, client.send("DELETE", `sys/policies/acl/${name}`));
    context.print(`Success! Deleted policy: ${name}`);
  },
};
