import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";

const LEVELS = ["trace", "debug", "info", "warn", "error"] as const;

export const command: Command = {
  usage: "operator migrate [options]",
  description:
    'Copies everything from one storage to another, encrypted as it lies there: between storages of a single node, and into and out of\nraft. Runs without a server, and both storages must be free: stop the server first, in order.\n\n    $ coffer operator migrate -config=migrate.hcl\n\nwith a file such as\n\n    storage_source "file" {\n      path = "/opt/coffer/data"\n    }\n    storage_destination "raft" {\n      path    = "/opt/coffer/raft"\n      node_id = "node-1"\n    }\n    cluster_addr = "https://node-1.internal:8201"\n\nThe destination must be empty. It holds a state once everything is there, and nothing before: after an interruption run the command\nagain. The source is not changed.',
  flags: [
    { name: "config", kind: "string", help: "File that names the source and the destination." },
    { name: "start", kind: "string", help: "Accepted for Vault's scripts. An interrupted migration leaves nothing half-way, so that each begins at the first key." },
    { name: "reset", kind: "bool", help: "Accepted for Vault's scripts. The lock ends with the process that holds it, so that there is none to reset." },
    { name: "max-parallel", kind: "int", help: "Accepted for Vault's scripts. Keys are copied in batches." },
    { name: "log-level", kind: "string", help: "trace, debug, info, warn (the default) or error." },
  ],
  args: { min: 0, max: 0 },
  run: async ({ flags, print, warn }) => {
    const path = flags.has("config") ? flags.string("config") : "";
    if (path === "") throw new Failure("Must specify exactly one config path using -config");
    const level = LEVELS.find((one) => one === (flags.has("log-level") ? flags.string("log-level") : "warn"));
    if (level === undefined) throw new Failure(`Unknown log level; it is one of ${LEVELS.join(", ")}`);
    if (flags.int("max-parallel", 1) < 1) throw new Failure("Argument to flag -max-parallel must be between 1 and 4294967295");
    if (flags.bool("reset")) {
      print("Success! No migration lock is left: it ended with the process that held it.");
      return 0;
    }
    if (flags.has("start")) warn("-start has no effect: an interrupted migration leaves nothing behind, so this one begins at the first key.");
    const { runMigration } = await import("@coffer/node");
    const done = await runMigration(path, level);
    if (!done.ok) throw new Failure(`Error migrating: ${done.problem}`, 2);
    for (const warning of done.warnings) warn(warning);
    print(`Success! All of the keys have been migrated: ${done.copied.keys} keys, ${done.copied.bytes} bytes.`);
    return 0;
  },
};
