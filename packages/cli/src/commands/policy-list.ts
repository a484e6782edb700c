import type { Command } from "../framework/command.js";
import { callOrMiss } from "../framework/secret.js";
import { listKeys } from "../output/list.js";

export const command: Command = {
  usage: "policy list [options]",
  description: "Lists the names of all policies.",
  run: async (context) => {
    const secret = await context.attempt("Error listing policies", callOrMiss(await context.client(), "LIST", "sys/policies/acl"));
    const names = (listKeys(secret) ?? []).map(String);
    if (context.format !== "table") return context.printData(names);
    for (const name of names) context.print(name);
    return 0;
  },
};
