import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { writeTokenFile } from "../framework/token-file.js";

const DEV_LISTEN_ADDRESS = "127.0.0.1:8200";

export const command: Command = {
  usage: "server [options]",
  description:
    "Runs a server until it is told to stop (SIGINT or SIGTERM).\n\n    $ coffer server -config=/etc/coffer/config.hcl\n    $ coffer server -dev\n\nWith -dev it keeps everything in memory, is unsealed, and is not safe for anything but trying things out.",
  flags: [
    { name: "config", kind: "list", help: "Configuration file, or directory of them. May be repeated." },
    { name: "dev", kind: "bool", help: "Run in memory, initialised and unsealed." },
    { name: "dev-root-token-id", kind: "string", env: "VAULT_DEV_ROOT_TOKEN_ID", help: "The root token of the dev server (VAULT_DEV_ROOT_TOKEN_ID)." },
    { name: "dev-listen-address", kind: "string", env: "VAULT_DEV_LISTEN_ADDRESS", help: `Where the dev server listens, by default ${DEV_LISTEN_ADDRESS} (VAULT_DEV_LISTEN_ADDRESS).` },
    { name: "dev-no-store-token", kind: "bool", help: "Do not keep the dev server's root token in ~/.vault-token." },
    { name: "dev-tls", kind: "bool", help: "Let the dev server listen with TLS, by a certificate made for it." },
    { name: "recovery", kind: "bool", help: "Run this node alone, in recovery mode: it serves sys/raw only, with a token of operator generate-root -recovery-token." },
    { name: "log-level", kind: "string", env: "VAULT_LOG_LEVEL", help: "trace, debug, info, warn or error (VAULT_LOG_LEVEL)." },
    { name: "log-format", kind: "string", env: "VAULT_LOG_FORMAT", help: "standard or json (VAULT_LOG_FORMAT)." },
  ],
  run: async (context) => {
    const { flags, io } = context;
    const dev = flags.bool("dev") || flags.bool("dev-tls");
    const configPaths = flags.list("config");
    if (!dev && configPaths.length === 0) {
      throw new Failure("Must specify at least one config path using -config (or try a server that keeps nothing: coffer server -dev)");
    }
    const recovery = flags.bool("recovery");
    if (dev && recovery) throw new Failure("-recovery is for a node that keeps its data: it cannot be used with -dev");
    const text = (name: string): string | undefined => (flags.has(name) ? flags.string(name) : undefined);
    const { runServer } = await import("@coffer/node/server");
    return runServer({
      ...(dev
        ? {
            dev: {
              rootTokenId: text("dev-root-token-id"),
              listenAddress: text("dev-listen-address") ?? DEV_LISTEN_ADDRESS,
              tls: flags.bool("dev-tls"),
              storeToken: flags.bool("dev-no-store-token") ? undefined : (token) => writeTokenFile(io, token),
            },
          }
        : {}),
      configPaths,
      recovery,
      logLevel: text("log-level"),
      logFormat: text("log-format"),
    });
  },
};
