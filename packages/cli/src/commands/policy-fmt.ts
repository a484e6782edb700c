import { readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { formatHcl } from "@coffer/hcl";
import type { Command } from "../framework/command.js";
import { errorText } from "../framework/error-text.js";
import { Failure } from "../framework/failure.js";

export const command: Command = {
  usage: "policy fmt [options] PATH",
  description: "Formats a policy file in place, in the one way everybody's looks.\n\n    $ coffer policy fmt my-policy.hcl",
  args: { min: 1, max: 1 },
  run: async (context) => {
    const path = (context.args[0] ?? "").trim().replace(/^~(?=\/|$)/, context.io.env["HOME"] ?? homedir());
    let source: string;
    try {
      source = await readFile(path, "utf8");
    } catch (cause) {
      throw new Failure(`Error reading source file: ${errorText(cause)}`, 1, { cause });
    }
    await writeFile(path, formatHcl(source, path));
    context.print(`Success! Formatted policy: ${path}`);
  },
};
