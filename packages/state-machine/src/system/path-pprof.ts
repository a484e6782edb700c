import { invalid } from "../errors.js";
import { field, raw } from "../framework/index.js";
import type { Response } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";
import type { ProfileName } from "./services.js";

/** Seconds, as is all below. */
const LONGEST = 60;
/** Go's default of `profile`. */
const PROFILE_SECONDS = 30;
/** Go has counted since its start, and answers at once. */
const ALLOCS_SECONDS = 5;
const TRACE_SECONDS = 1;
const BINARY = "application/octet-stream";
const TEXT = "text/plain; charset=utf-8";

/** What each one tells here. Those with seconds watch what is done from now on. */
const PROFILES: Readonly<Record<Exclude<ProfileName, "profile">, { readonly tells: string; readonly seconds?: { readonly least: number; readonly unless: number } }>> = {
  allocs: { tells: "Memory that functions allocate in the next seconds, what is given back at once too.", seconds: { least: 1, unless: ALLOCS_SECONDS } },
  block: { tells: "Waits for other threads: empty, as in a process that does not count them." },
  goroutine: { tells: "What this process is waiting for, by kind." },
  heap: { tells: "The sizes of the heap's parts; with seconds, memory that functions allocate in them and still use at their end.", seconds: { least: 0, unless: 0 } },
  mutex: { tells: "Waits for locks: empty, as in a process that does not count them." },
  threadcreate: { tells: "The threads of this process, by their names." },
};
const OTHERS = {
  cmdline: "The command line of this process, without values that may be secrets.",
  profile: "A CPU profile of the next seconds, of the thread that handles requests.",
  symbol: "Names of addresses: none, since every profile names its functions.",
  trace: "Garbage collections, compilations and turns of the event loop in the next seconds, in the format of Chrome's traces.",
};

function index(): string {
  const rows = Object.entries({ ...Object.fromEntries(Object.entries(PROFILES).map(([name, { tells }]) => [name, tells])), ...OTHERS }).sort(([a], [b]) => (a < b ? -1 : 1));
  const cells = rows.map(([name, tells]) => `<tr><td><a href="/v1/sys/pprof/${name}${name in PROFILES ? "?debug=1" : ""}">${name}</a></td><td>${tells.replaceAll("'", "&#39;")}</td></tr>`);
  return `<!DOCTYPE html>\n<html>\n<head><title>Profiles</title></head>\n<body>\n<p>Those that take debug answer in text with debug=1, and else in the format of pprof.</p>\n<table>\n${cells.join("\n")}\n</table>\n</body>\n</html>\n`;
}

const SECONDS = (unless: number) => field.int({ description: `How long, up to ${LONGEST}.`, query: true, default: unless });
const DEBUG = field.int({ description: "Above 0: as text.", query: true, default: 0 });

function checkSeconds(seconds: number, least = 1): number {
  if (seconds < least || seconds > LONGEST) throw invalid(`'seconds' must be from ${least} to ${LONGEST}`);
  return seconds;
}

const download = (body: Uint8Array | string, name: string): Response => raw(body, BINARY, 200, { "Content-Disposition": `attachment; filename="${name}"` });

/** They tell about the node that was asked. */
const OF_NODE = { access: "sudo", thisNode: true } as const;

const countedPaths = Object.entries(PROFILES).map(([name, { tells, seconds }]) =>
  systemPath({
    template: `pprof/${name}`,
    help: { synopsis: tells, description: "In the format of pprof, gzip'd. Names and sizes only: what is in memory may be a secret." },
    fields: { debug: DEBUG, seconds: SECONDS(seconds?.unless ?? 0) },
    operations: {
      read: {
        effect: "read", ...OF_NODE, summary: tells,
        handler: async ({ input: { debug, seconds: asked } }, _storage, { services: { node } }) => {
          const form = debug > 0 ? "text" : "pprof";
          const body = await node.profiles.take(name as ProfileName, form, seconds ? checkSeconds(asked, seconds.least) : 0);
          return form === "text" ? raw(body, TEXT) : download(body, name);
        },
      },
    },
  }),
);

const indexPath = systemPath({
  template: "pprof",
  help: { synopsis: "Lists the profiles.", description: "What this node can tell of itself." },
  fields: {},
  operations: { read: { effect: "read", ...OF_NODE, summary: "Lists the profiles.", handler: () => raw(index(), "text/html; charset=utf-8") } },
});

const profilePath = systemPath({
  template: "pprof/profile",
  help: { synopsis: OTHERS.profile, description: "In the format of pprof, gzip'd, or as V8 writes it." },
  fields: { seconds: SECONDS(PROFILE_SECONDS), format: field.string({ description: "`pprof`, or `cpuprofile` for Chrome's developer tools.", query: true, default: "pprof" }) },
  operations: {
    read: {
      effect: "read", ...OF_NODE, summary: OTHERS.profile,
      handler: async ({ input: { seconds, format } }, _storage, { services: { node } }) => {
        if (format !== "pprof" && format !== "cpuprofile") throw invalid("'format' must be pprof or cpuprofile");
        checkSeconds(seconds);
        return format === "pprof" ? download(await node.profiles.take("profile", "pprof", seconds), "profile") : download(await node.profiles.cpuProfile(seconds), "profile.cpuprofile");
      },
    },
  },
});

const tracePath = systemPath({
  template: "pprof/trace",
  help: { synopsis: OTHERS.trace, description: "For Perfetto or chrome://tracing; it is none of Go's." },
  fields: { seconds: SECONDS(TRACE_SECONDS) },
  operations: {
    read: { effect: "read", ...OF_NODE, summary: OTHERS.trace, handler: async ({ input: { seconds } }, _storage, { services: { node } }) => download(await node.profiles.trace(checkSeconds(seconds)), "trace.json") },
  },
});

const cmdlinePath = systemPath({
  template: "pprof/cmdline",
  help: { synopsis: OTHERS.cmdline, description: "Arguments are separated by NUL." },
  fields: {},
  operations: { read: { effect: "read", ...OF_NODE, summary: OTHERS.cmdline, handler: (_request, _storage, { services: { node } }) => raw(node.profiles.commandLine().join("\0"), TEXT) } },
});

const symbolPath = systemPath({
  template: "pprof/symbol",
  help: { synopsis: OTHERS.symbol, description: "By the protocol of pprof, in which 0 symbols say that nothing is to be asked here." },
  fields: {},
  operations: { read: { effect: "read", ...OF_NODE, summary: OTHERS.symbol, handler: () => raw("num_symbols: 0\n", TEXT) } },
});

export const pprofPaths: readonly SystemPath[] = [indexPath, profilePath, ...countedPaths, cmdlinePath, symbolPath, tracePath];
