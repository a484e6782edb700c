import { invalid } from "../errors.js";
import { NO_CONTENT, data, field, plain, raw } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";

const LEVEL = field.string({ description: "trace, debug, info, warn or error.", default: "" });

function requireLevel(level: string): string {
  if (level === "") throw invalid("level is required");
  return level;
}

export const observePaths: readonly SystemPath[] = [
  systemPath({
    template: "metrics",
    help: { synopsis: "Gives this node's metrics.", description: "As JSON, or as Prometheus reads them." },
    fields: { format: field.string({ description: "`prometheus` for Prometheus' text.", query: true, default: "" }) },
    operations: {
      read: {
        summary: "Gives this node's metrics.", effect: "read", thisNode: true,
        handler: async ({ input, headers }, _storage, { services: { node } }) => {
          const accept = headers["accept"] ?? "";
          const prometheus = input.format === "prometheus" || (input.format === "" && /application\/openmetrics-text|^text\/plain|prometheus/.test(accept));
          if (prometheus) return raw(await node.prometheus(), "text/plain; version=0.0.4");
          if (input.format !== "") return raw(`metric response format ${JSON.stringify(input.format)} unknown`, "text/plain", 400);
          return plain(await node.metricsJson());
        },
      },
    },
  }),
  systemPath({
    template: "host-info",
    help: { synopsis: "Describes this node's machine.", description: "Processors, memory, disks and operating system." },
    fields: {},
    operations: { read: { summary: "Describes this node's machine.", effect: "read", thisNode: true, handler: async (_request, _storage, { services }) => data(await services.node.hostInfo()) } },
  }),
  systemPath({
    template: "in-flight-req",
    help: { synopsis: "Lists the requests this node is working on.", description: "By their ids." },
    fields: {},
    operations: { read: { summary: "Lists the requests this node is working on.", effect: "read", thisNode: true, handler: (_request, _storage, { services }) => plain(services.node.inFlight()) } },
  }),
  systemPath({
    template: "loggers",
    help: { synopsis: "Shows and sets the levels of all loggers.", description: "Of this node, until it restarts." },
    fields: { level: LEVEL },
    operations: {
      read: { summary: "Shows the levels of all loggers.", effect: "read", thisNode: true, handler: (_request, _storage, { services }) => data(services.node.loggers()) },
      update: {
        summary: "Sets the level of all loggers.", effect: "read", thisNode: true,
        handler: ({ input }, _storage, { services }) => {
          services.node.setLogLevel(undefined, requireLevel(input.level));
          return NO_CONTENT;
        },
      },
      delete: {
        summary: "Sets all loggers back to the configured level.", effect: "read", thisNode: true,
        handler: (_request, _storage, { services }) => {
          services.node.resetLogLevel(undefined);
          return NO_CONTENT;
        },
      },
    },
  }),
  systemPath({
    template: "loggers/{name}",
    help: { synopsis: "Shows and sets the level of one logger.", description: "Of this node, until it restarts." },
    fields: { name: field.string({ description: "Name of the logger.", required: true }), level: LEVEL },
    operations: {
      read: {
        summary: "Shows the level of one logger.", effect: "read", thisNode: true,
        handler: ({ input }, _storage, { services }) => {
          const levels = services.node.loggers();
          return data(Object.hasOwn(levels, input.name) ? { [input.name]: levels[input.name] } : {});
        },
      },
      update: {
        summary: "Sets the level of one logger.", effect: "read", thisNode: true,
        handler: ({ input }, _storage, { services }) => {
          services.node.setLogLevel(input.name, requireLevel(input.level));
          return NO_CONTENT;
        },
      },
      delete: {
        summary: "Sets one logger back to the configured level.", effect: "read", thisNode: true,
        handler: ({ input }, _storage, { services }) => {
          services.node.resetLogLevel(input.name);
          return NO_CONTENT;
        },
      },
    },
  }),
  systemPath({
    template: "config/state/sanitized",
    help: { synopsis: "Shows this node's configuration.", description: "Without anything secret." },
    fields: {},
    operations: { read: { summary: "Shows this node's configuration.", effect: "read", thisNode: true, handler: (_request, _storage, { services }) => data(services.node.sanitizedConfig()) } },
  }),
  systemPath({
    template: "replication/status",
    help: { synopsis: "Reports the state of replication between clusters.", description: "It is disabled." },
    fields: {},
    operations: { read: { summary: "Reports the state of replication.", effect: "read", access: "none", handler: () => data({ mode: "disabled" }) } },
  }),
];
