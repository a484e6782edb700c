import { createReadStream } from "node:fs";
import { access, constants } from "node:fs/promises";
import { raft } from "@coffer/client";
import type { Command } from "../framework/command.js";
import { errorText } from "../framework/error-text.js";
import { Failure } from "../framework/failure.js";

export const command: Command = {
  usage: "operator raft snapshot restore [options] <snapshot_file>",
  description: "Replaces all that the cluster holds by a snapshot.\n\n    $ coffer operator raft snapshot restore raft.snap",
  args: { min: 0, max: Infinity },
  flags: [{ name: "force", kind: "bool", help: "Even if the snapshot is from another cluster; its unseal keys are then needed." }],
  run: async (context) => {
    if (context.args.length !== 1) throw new Failure(`Incorrect arguments (expected 1, got ${context.args.length})`);
    const path = (context.args[0] ?? "").trim();
    if (path === "") throw new Failure("Snapshot file name is required");
    try {
      await access(path, constants.R_OK);
    } catch (cause) {
      throw new Failure(`Error opening snapshot file: ${errorText(cause)}`, 2, { cause });
    }
    const force = context.flags.bool("force");
    await context.attempt("Error installing the snapshot", raft.restoreSnapshot(await context.client(), () => createReadStream(path), force));
  },
};
