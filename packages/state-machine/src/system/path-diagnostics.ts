import { invalid } from "../errors.js";
import { field, raw } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";
import { inspectPaths } from "./path-inspect.js";
import { pprofPaths } from "./path-pprof.js";

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

export const diagnosticPaths: readonly SystemPath[] = [monitorPath, ...pprofPaths, ...inspectPaths];
