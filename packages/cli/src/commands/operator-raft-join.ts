import { readFile } from "node:fs/promises";
import { raft } from "@coffer/client";
import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { formatTable } from "../output/columns.js";

export const command: Command = {
  usage: "operator raft join [options] <leader-api-addr>",
  description:
    "Makes a server that is not initialised a member of a cluster. It proves itself by being unsealed.\n\n    $ coffer operator raft join https://10.0.0.1:8200",
  args: { min: 0, max: 1, expected: "0-1" },
  flags: [
    { name: "leader-ca-cert", kind: "string", help: "PEM of the authority to verify the leader by, or @file." },
    { name: "leader-client-cert", kind: "string", help: "PEM of the certificate to show to the leader, or @file." },
    { name: "leader-client-key", kind: "string", help: "PEM of its key, as @file." },
    { name: "leader-tls-servername", kind: "string", help: "Name to expect in the leader's certificate." },
    { name: "auto-join-scheme", kind: "string", help: "Not supported: name a node of the cluster.", hidden: true },
    { name: "auto-join-port", kind: "int", help: "Not supported: name a node of the cluster.", hidden: true },
    { name: "retry", kind: "bool", help: "Keep trying until it works." },
    { name: "non-voter", kind: "bool", help: "Join without a vote." },
  ],
  run: async (context) => {
    const { flags } = context;
    const leader = (context.args[0] ?? "").trim();
    if (leader.includes("provider=") || flags.has("auto-join-scheme") || flags.has("auto-join-port")) throw new Failure("Joining by a cloud's metadata (auto-join) is not supported: give the address of a node of the cluster");
    const content = async (name: string): Promise<string> => {
      const value = flags.string(name);
      return value.startsWith("@") ? readFile(value.slice(1), "utf8") : value;
    };
    const body = {
      leader_api_addr: leader,
      leader_ca_cert: await content("leader-ca-cert"),
      leader_client_cert: await content("leader-client-cert"),
      leader_client_key: await content("leader-client-key"),
      ...(flags.has("leader-tls-servername") && { leader_tls_servername: flags.string("leader-tls-servername") }),
      retry: flags.bool("retry"),
      non_voter: flags.bool("non-voter"),
    };
    const result = await context.attempt("Error joining the node to the Raft cluster", raft.join(await context.client(), body));
    if (context.format !== "table") return context.printData(result);
    context.print(formatTable([["Key", "Value"], ["Joined", String(result.joined)]]));
    return 0;
  },
};
