import { open, rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { raft } from "@coffer/client";
import type { Command } from "../framework/command.js";
import { errorText } from "../framework/error-text.js";
import { Failure } from "../framework/failure.js";

export const command: Command = {
  usage: "operator raft snapshot save [options] <snapshot_file>",
  description: "Saves a snapshot of the cluster to a file.\n\n    $ coffer operator raft snapshot save raft.snap",
  args: { min: 0, max: Infinity },
  run: async (context) => {
    if (context.args.length !== 1) throw new Failure(`Incorrect arguments (expected 1, got ${context.args.length})`);
    const path = (context.args[0] ?? "").trim();
    if (path === "") throw new Failure("Output file name is required");
    const body = await context.attempt("Error taking the snapshot", raft.saveSnapshot(await context.client()));
    // A download that breaks off must not stand where a good backup stood.
    const partial = `${path}.${process.pid}.partial`;
    try {
      const file = await open(partial, "w", 0o600);
      await pipeline(body, file.createWriteStream({ flush: true }));
      await rename(partial, path);
    } catch (cause) {
      throw new Failure(`Error taking the snapshot: ${errorText(cause)}`, 2, { cause });
    } finally {
      await rm(partial, { force: true });
    }
  },
};
