import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { callOrMiss } from "../framework/secret.js";

export const command: Command = {
  usage: "policy read [options] NAME",
  description: "Prints the rules of a policy.\n\n    $ coffer policy read my-policy",
  args: { min: 1, max: 1 },
  run: async (context) => {
    const name = (context.args[0] ?? "").trim().toLowerCase();
    const secret = await context.attempt(`Error reading policy named ${name}`, callOrMiss(await context.client(), "GET", `sys/policies/acl/${name}`));
    const policy = secret?.data?.["policy"] ?? secret?.data?.["rules"];
    if (typeof policy !== "string" || policy === "") throw new Failure(`No policy named: ${name}`, 2);
    if (context.format === "table") context.print(policy.trim());
    else await context.printData({ policy });
  },
};
