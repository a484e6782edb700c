import { invalid } from "../errors.js";
import { data, field } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";
import type { EngineInfo } from "./rooms.js";

const TYPES = ["auth", "database", "secret"] as const;

const detail = (engine: EngineInfo) => ({ builtin: true, deprecation_status: "supported", name: engine.name, type: engine.type, version: engine.version });

const refusing = (why: string) => ({
  summary: `Refused: ${why}.`, effect: "read" as const, access: "sudo" as const,
  handler: () => {
    throw invalid(why);
  },
});
const REGISTER = refusing("could not set plugin, plugin directory is not configured: all engines are built in");
const DEREGISTER = refusing("engines are built in, and cannot be taken out");

export const catalogPaths: readonly SystemPath[] = [
  systemPath({
    template: "plugins/catalog",
    help: { synopsis: "Lists the engines that can be mounted.", description: "All are built in." },
    fields: {},
    operations: {
      read: {
        summary: "Lists the engines.", effect: "read",
        handler: (_request, _storage, { services }) => {
          const engines = services.rooms.engines();
          const names = Object.fromEntries(TYPES.map((type) => [type, engines.filter((engine) => engine.type === type).map((engine) => engine.name).sort()]));
          return data({ ...names, detailed: engines.map(detail) });
        },
      },
    },
  }),
  systemPath({
    template: "plugins/catalog/{type}",
    help: { synopsis: "Lists the engines of one type.", description: "auth, database or secret. What a name alone says of a plugin is of former versions." },
    fields: { type: field.string({ description: "Type of engine.", required: true }) },
    freeForm: true,
    operations: {
      read: {
        summary: "Tells that a name alone says nothing.", effect: "read", access: "sudo",
        handler: ({ input }) => ({ kind: "envelope", data: null, warnings: [`Deprecated API endpoint, cannot read plugin information from catalog for ${JSON.stringify(input.type)}`] }),
      },
      update: REGISTER,
      delete: DEREGISTER,
      list: {
        summary: "Lists the engines of one type.", effect: "read", access: "sudo",
        handler: ({ input }, _storage, { services }) => {
          if (!TYPES.some((type) => type === input.type)) throw invalid(`unsupported plugin type ${JSON.stringify(input.type)}`);
          const keys = services.rooms.engines().filter((engine) => engine.type === input.type).map((engine) => engine.name).sort();
          return keys.length === 0 ? undefined : data({ keys });
        },
      },
    },
  }),
  systemPath({
    template: "plugins/catalog/{type}/{name}",
    help: { synopsis: "Describes one engine.", description: "All are built in." },
    freeForm: true,
    fields: {
      type: field.string({ description: "Type of engine.", required: true, allowed: TYPES }),
      name: field.string({ description: "Name of the engine.", required: true }),
      version: field.string({ description: "Its version; empty for the one that there is.", default: "", query: true }),
    },
    operations: {
      read: {
        summary: "Describes one engine.", effect: "read", access: "sudo",
        handler: ({ input }, _storage, { services }) => {
          const engine = services.rooms.engines().find(({ type, name, version }) => type === input.type && name === input.name && (input.version === "" || input.version === version));
          return engine && data({ args: null, builtin: true, command: "", deprecation_status: "supported", name: engine.name, sha256: "", version: engine.version });
        },
      },
      update: REGISTER,
      delete: DEREGISTER,
    },
  }),
];
