import { formatGoDuration } from "@coffer/client";
import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import type { Flag } from "../framework/flags.js";
import { callOrMiss } from "../framework/secret.js";

const FLAGS: readonly Flag[] = [
  { name: "cleanup-dead-servers", kind: "bool", help: "Whether servers that are gone for good are removed from the cluster. Needs -min-quorum." },
  { name: "last-contact-threshold", kind: "duration", help: "Longest silence of a healthy server." },
  { name: "dead-server-last-contact-threshold", kind: "duration", help: "Silence after which a server is gone for good; at least 1m. Counts with -cleanup-dead-servers." },
  { name: "max-trailing-logs", kind: "int", help: "How many log entries a healthy server may be behind." },
  { name: "min-quorum", kind: "int", help: "How many voters cleaning up leaves in any case; at least 3." },
  { name: "server-stabilization-time", kind: "duration", help: "How long a new server must be healthy before it votes." },
];

export const command: Command = {
  usage: "operator raft autopilot set-config [options]",
  description: "Changes those of autopilot's settings that are given.\n\n    $ coffer operator raft autopilot set-config -cleanup-dead-servers=true -min-quorum=3 -dead-server-last-contact-threshold=10m",
  flags: FLAGS,
  args: { min: 0, max: Infinity },
  run: async (context) => {
    const { flags } = context;
    if (context.args.length > 0) throw new Failure(`Incorrect arguments (expected 0, got ${context.args.length})`);
    const body: Record<string, unknown> = {};
    for (const { name, kind } of FLAGS) {
      if (!flags.has(name)) continue;
      const key = name.replaceAll("-", "_");
      // Zero is Vault's way to leave a number as it is.
      if (kind === "bool") body[key] = flags.bool(name);
      else if (kind === "int" && flags.int(name) > 0) body[key] = flags.int(name);
      else if (kind === "duration" && flags.duration(name) > 0) body[key] = formatGoDuration(flags.duration(name));
    }
    const secret = await context.attempt("", callOrMiss(await context.client(), "PUT", "sys/storage/raft/autopilot/configuration", { body }));
    return secret === undefined ? 0 : context.printSecret(secret);
  },
};
