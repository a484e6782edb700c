import { readFile } from "node:fs/promises";
import type { Command } from "../framework/command.js";
import { errorText } from "../framework/error-text.js";
import { Failure } from "../framework/failure.js";
import { readAll } from "../framework/io.js";

export const command: Command = {
  usage: "policy write [options] NAME PATH",
  description: "Uploads a policy from a file, or from stdin where PATH is -.\n\n    $ coffer policy write my-policy my-policy.hcl",
  args: { min: 2, max: 2 },
  run: async (context) => {
    const [given = "", file = ""] = context.args;
    const name = given.trim().toLowerCase();
    let policy: string;
    try {
      policy = file.trim() === "-" ? await readAll(context.io.stdin) : await readFile(file.trim(), "utf8");
    } catch (cause) {
      throw new Failure(`Error opening policy file: ${errorText(cause)}`, 2, { cause });
    }
    const client = await context.client();
    await context.attempt("Error uploading policy", client.send("PUT", `sys/policies/acl/${name}`, { body: { policy } }));
    if (name !== given) context.warn(`Policy name was converted from "${given}" to "${name}"`);
    context.print(`Success! Uploaded policy: ${name}`);
  },
};
