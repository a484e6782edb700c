import type { Command } from "../framework/command.js";
import { callOrMiss } from "../framework/secret.js";
import { listKeys, printList } from "../output/list.js";
import { printDone } from "../output/write-result.js";

export const command: Command = {
  usage: "unwrap [options] [TOKEN]",
  description: "Opens a wrapped answer, once. Without an argument the current token is the wrapping token.\n\n    $ coffer unwrap s.6PgZ...",
  args: { min: 0, max: 1, expected: "0-1" },
  run: async (context) => {
    const token = (context.args[0] ?? "").trim();
    const client = await context.client();
    // A token of one's own authorises the call and the wrapping token goes in the body; without one it does both.
    const own = client.options.token;
    const body = token !== "" && own !== undefined && own !== token ? { token } : {};
    const caller = own === undefined && token !== "" ? client.with({ token }) : client;
    const secret = await context.attempt("Error unwrapping", callOrMiss(caller, "PUT", "sys/wrapping/unwrap", { body }));
    if (secret === undefined) {
      printDone(context, "Successfully unwrapped. There was no data in the wrapped secret.");
      return 0;
    }
    if (!context.flags.has("field") && listKeys(secret) !== undefined) return printList(context, secret, "sys/wrapping/unwrap");
    return context.printSecret(secret);
  },
};
