import { invalid } from "../errors.js";
import { data, field, jsonCodec } from "../framework/index.js";
import type { WriteStorage } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";

interface InstalledVersion {
  readonly version: string;
  readonly previous_version: string | null;
  readonly build_date: string;
  /** RFC 3339. */
  readonly timestamp_installed: string;
}

/** In the order of their installation. */
const VERSIONS = "versions";
const codec = jsonCodec<readonly InstalledVersion[]>();

/** Called by each new active node, before it serves. `storage` is scoped to `core/`. */
export function recordVersion(storage: WriteStorage, { version, buildDate }: { readonly version: string; readonly buildDate: string }, nowMs: number): void {
  const known = storage.get(VERSIONS, codec) ?? [];
  if (known.some((one) => one.version === version)) return;
  storage.put(VERSIONS, codec, [...known, { version, previous_version: known[known.length - 1]?.version ?? null, build_date: buildDate, timestamp_installed: new Date(nowMs).toISOString() }]);
}

const PLUGIN = { type: field.string({ description: "auth, database or secret; `unknown` for any.", required: true }), name: field.string({ description: "Name of the engine.", required: true }) };
const SCOPE = field.string({ description: "`global`, or empty for this node.", default: "" });

function checkScope(scope: string): void {
  if (scope !== "" && scope !== "global") throw invalid("reload scope must be omitted or 'global'");
}

export const productPaths: readonly SystemPath[] = [
  systemPath({
    template: "version-history",
    help: { synopsis: "Lists the versions that this cluster has run.", description: "Each with when it was first active." },
    fields: {},
    operations: {
      list: {
        summary: "Lists the versions that this cluster has run.", effect: "read",
        handler: (_request, storage) => {
          const versions = storage.get(VERSIONS, codec) ?? [];
          if (versions.length === 0) return undefined;
          return data({ keys: versions.map(({ version }) => version), key_info: Object.fromEntries(versions.map(({ version, ...info }) => [version, info])) });
        },
      },
    },
  }),
  systemPath({
    template: "experiments",
    help: { synopsis: "Lists the experiments.", description: "There are none." },
    fields: {},
    operations: { read: { summary: "Lists the experiments.", effect: "read", handler: () => data({ available_experiments: [], enabled: [] }) } },
  }),
  systemPath({
    template: "plugins/pins",
    help: { synopsis: "Lists the pinned versions of plugins.", description: "Engines are built in and have one version each: nothing is pinned." },
    fields: {},
    operations: { read: { summary: "Lists the pinned versions.", effect: "read", handler: () => data({ pinned_versions: [] }) } },
  }),
  systemPath({
    template: "plugins/reload/backend",
    help: { synopsis: "Reloads a plugin.", description: "Engines are built in: there is nothing to reload, and it is done at once." },
    fields: {
      plugin: field.string({ description: "Name of an engine.", default: "" }),
      mounts: field.commaList({ description: "Paths of mounts.", default: [] }),
      scope: SCOPE,
    },
    operations: {
      update: {
        summary: "Reloads a plugin.", effect: "read",
        handler: async ({ id, input: { plugin, mounts, scope } }, storage, { services: { rooms } }) => {
          if (plugin === "" && mounts.length === 0) throw invalid("plugin or mounts must be provided");
          if (plugin !== "" && mounts.length > 0) throw invalid("plugin and mounts cannot be set at the same time");
          checkScope(scope);
          if (plugin !== "" && !rooms.engines().some(({ name }) => name === plugin)) throw invalid(`plugin not found in the catalog: ${JSON.stringify(plugin)}`);
          for (const path of mounts) {
            const owner = await rooms.mounts.owner(storage, path.endsWith("/") ? path : `${path}/`);
            if (!owner) throw invalid(`cannot fetch mount entry on ${JSON.stringify(path)}`);
          }
          return data({ reload_id: id });
        },
      },
    },
  }),
  systemPath({
    template: "plugins/reload/{type}/{name}",
    help: { synopsis: "Reloads a plugin.", description: "Engines are built in: there is nothing to reload, and it is done at once." },
    fields: { ...PLUGIN, scope: SCOPE },
    operations: {
      update: {
        summary: "Reloads a plugin.", effect: "read",
        handler: ({ id, input: { type, name, scope } }, _storage, { services: { rooms } }) => {
          checkScope(scope);
          if (!rooms.engines().some((engine) => engine.name === name && (type === "unknown" || engine.type === type))) throw invalid(`there is no plugin ${JSON.stringify(name)} of type ${JSON.stringify(type)}`);
          return data({ reload_id: id });
        },
      },
    },
  }),
  ...(["performance", "dr"] as const).map((kind) =>
    systemPath({
      template: `replication/${kind}/status` as "replication/dr/status",
      help: { synopsis: "Reports the state of one kind of replication.", description: "It is disabled." },
      fields: {},
      operations: { read: { summary: "Reports the state of replication.", effect: "read", access: "none", handler: () => data({ mode: "disabled" }) } },
    }),
  ),
];
