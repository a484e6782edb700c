import { invalid } from "../errors.js";
import { field, plain, raw } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";

const MAX_SECONDS = 60;
/** Vault's default. */
const PROFILE_SECONDS = 30;
const PROFILES = "profile   CPU profile of the next seconds, for Chrome's developer tools (.cpuprofile)\nheap      sizes of the heap's spaces; its contents are never shown\ngoroutine what this process is waiting for, by kind\n";

const monitorPath = systemPath({
  template: "monitor",
  help: { synopsis: "Streams this node's log.", description: "From now on, until the client goes." },
  fields: {
    log_level: field.string({ description: "trace, debug, info, warn or error.", query: true, default: "info" }),
    log_format: field.string({ description: "standard or json.", query: true, default: "standard" }),
  },
  operations: {
    read: {
      summary: "Streams this node's log.", effect: "read", thisNode: true,
      handler: ({ input }, _storage, { services: { node } }) => {
        const { log_format: format } = input;
        if (format !== "standard" && format !== "json") throw invalid("unknown log format");
        return raw(node.monitor(input.log_level, format), "text/plain");
      },
    },
  },
});

/** Names of functions, sizes and counts only: what is in memory may be a secret, so there are no heap snapshots. */
const pprofPaths: readonly SystemPath[] = [
  systemPath({
    template: "pprof",
    help: { synopsis: "Lists the profiles.", description: "What this node can tell of itself." },
    fields: {},
    operations: { read: { summary: "Lists the profiles.", effect: "read", access: "sudo", thisNode: true, handler: () => raw(PROFILES, "text/plain") } },
  }),
  systemPath({
    template: "pprof/profile",
    help: { synopsis: "Takes a CPU profile.", description: "Of the thread that handles requests, as V8 writes it." },
    fields: { seconds: field.int({ description: "How long.", query: true, default: PROFILE_SECONDS }) },
    operations: {
      read: {
        summary: "Takes a CPU profile.", effect: "read", access: "sudo", thisNode: true,
        handler: async ({ input: { seconds } }, _storage, { services: { node } }) => {
          if (seconds < 1 || seconds > MAX_SECONDS) throw invalid(`'seconds' must be from 1 to ${MAX_SECONDS}`);
          return raw(await node.cpuProfile(seconds), "application/octet-stream", 200, { "Content-Disposition": 'attachment; filename="profile.cpuprofile"' });
        },
      },
    },
  }),
  ...(["heap", "goroutine"] as const).map((kind) =>
    systemPath({
      template: `pprof/${kind}` as "pprof/heap",
      help: { synopsis: kind === "heap" ? "Shows the sizes of the heap." : "Counts what the process is waiting for.", description: "Numbers only." },
      fields: {},
      operations: { read: { summary: "Shows numbers of this process.", effect: "read", access: "sudo", thisNode: true, handler: (_request, _storage, { services: { node } }) => plain(node.processInfo(kind)) } },
    }),
  ),
];

export const diagnosticPaths: readonly SystemPath[] = [monitorPath, ...pprofPaths];
