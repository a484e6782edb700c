import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { trimPath } from "../framework/paths.js";
import { wrapText } from "../output/wrap.js";

export const command: Command = {
  usage: "lease revoke [options] ID",
  description: "Revokes a lease, or with -prefix all leases whose ID begins so.\n\n    $ coffer lease revoke -prefix database/creds",
  args: { min: 1, max: 1 },
  flags: [
    { name: "prefix", kind: "bool", help: "The argument is the beginning of lease IDs." },
    { name: "force", kind: "bool", help: "With -prefix: forget the leases even if what they stand for cannot be undone." },
    { name: "f", kind: "bool", help: "Short for -force.", hidden: true },
    { name: "sync", kind: "bool", help: "Wait until it is done." },
  ],
  run: async (context) => {
    const { flags } = context;
    const id = (context.args[0] ?? "").trim();
    const force = flags.bool("force") || flags.bool("f");
    const prefix = flags.bool("prefix");
    const sync = flags.bool("sync");
    if (force && !prefix) throw new Failure("Specifying -force requires also specifying -prefix");
    if (force) context.warn(wrapText("Warning! Force-removing leases can cause Vault to become out of sync with secret engines!"));
    const client = await context.client();
    const path = prefix ? `sys/leases/revoke-${force ? "force" : "prefix"}/${trimPath(id)}` : "sys/leases/revoke";
    const failure = force ? `Error force revoking leases with prefix ${id}` : prefix ? `Error revoking leases with prefix ${id}` : `Error revoking lease ${id}`;
    await context.attempt(failure, client.send("PUT", path, { body: prefix ? { sync } : { lease_id: id, sync } }));
    if (force) context.print(`Success! Force revoked any leases with prefix: ${id}`);
    else if (sync) context.print(prefix ? `Success! Revoked any leases with prefix: ${id}` : `Success! Revoked lease: ${id}`);
    else context.print("All revocation operations queued successfully!");
  },
};
