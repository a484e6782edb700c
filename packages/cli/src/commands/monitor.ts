import type { Command } from "../framework/command.js";

export const command: Command = {
  usage: "monitor [options]",
  description: "Streams the log of the server, until it is interrupted.\n\n    $ coffer monitor -log-level=debug",
  args: { min: 0, max: 0 },
  flags: [
    { name: "log-level", kind: "string", help: "trace, debug, info (the default), warn or error." },
    { name: "log-format", kind: "string", help: "standard (the default) or json." },
  ],
  run: async (context) => {
    const { flags, io } = context;
    const query = { log_level: flags.string("log-level") || "info", log_format: flags.string("log-format") || "standard" };
    const client = await context.client();
    const { body } = await context.attempt("Error starting monitor", client.stream("GET", "sys/monitor", { query }));
    const copy = async () => {
      for await (const chunk of body) io.stdout.write(chunk as Uint8Array<ArrayBuffer>);
    };
    await context.attempt("Error reading the log", copy());
    return 0;
  },
};
