import { invalid } from "../errors.js";
import { NO_CONTENT, data, field, jsonCodec } from "../framework/index.js";
import type { ReadStorage, WriteStorage } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";
import { goDuration } from "./duration.js";
import type { AutopilotReport, JudgedServer } from "./services.js";

/** Durations in seconds. */
export interface AutopilotConfiguration {
  readonly cleanup_dead_servers: boolean;
  readonly last_contact_threshold: number;
  readonly dead_server_last_contact_threshold: number;
  readonly max_trailing_logs: number;
  readonly min_quorum: number;
  readonly server_stabilization_time: number;
  readonly disable_upgrade_migration: boolean;
}

const DEFAULTS: AutopilotConfiguration = {
  cleanup_dead_servers: false,
  last_contact_threshold: 10,
  dead_server_last_contact_threshold: 24 * 3600,
  max_trailing_logs: 1000,
  min_quorum: 0,
  server_stabilization_time: 10,
  disable_upgrade_migration: false,
};
const KEY = "raft/autopilot/configuration";
const CODEC = jsonCodec<AutopilotConfiguration>();
const LOWEST_MIN_QUORUM = 3;
const LOWEST_DEAD_THRESHOLD_SECONDS = 60;

/** `storage` is the view of `core/`. */
export function autopilotConfiguration(storage: ReadStorage): AutopilotConfiguration {
  return storage.get(KEY, CODEC) ?? DEFAULTS;
}

/** The configuration file's settings, where nobody has set any: what was set through the API stays. Throws RequestError 400. */
export function declareAutopilot(storage: WriteStorage, settings: Partial<AutopilotConfiguration>): void {
  if (Object.keys(settings).length > 0 && !storage.get(KEY, CODEC)) storage.put(KEY, CODEC, checked({ ...DEFAULTS, ...settings }));
}

function checked(config: AutopilotConfiguration): AutopilotConfiguration {
  if (config.max_trailing_logs < 1) throw invalid("max_trailing_logs must be at least 1");
  if (config.min_quorum < 0) throw invalid("min_quorum must not be negative");
  if (!config.cleanup_dead_servers) return config;
  if (config.min_quorum < LOWEST_MIN_QUORUM) throw invalid(`min_quorum must be set when cleanup_dead_servers is set and it should at least be 3; cleanup_dead_servers: true, min_quorum: ${config.min_quorum}`);
  if (config.dead_server_last_contact_threshold < LOWEST_DEAD_THRESHOLD_SECONDS) throw invalid(`dead_server_last_contact_threshold should not be set to less than 1m; received: ${goDuration(config.dead_server_last_contact_threshold)}`);
  return config;
}

const configurationPath = systemPath({
  template: "storage/raft/autopilot/configuration",
  help: { synopsis: "Reads and changes when a server counts as healthy.", description: "And whether dead servers are removed by themselves." },
  fields: {
    cleanup_dead_servers: field.bool({ description: "Removes dead servers from the configuration." }),
    last_contact_threshold: field.duration({ description: "Longest silence of a healthy server." }),
    dead_server_last_contact_threshold: field.duration({ description: "Silence after which a server is dead." }),
    max_trailing_logs: field.int({ description: "How many entries a healthy server may be behind." }),
    min_quorum: field.int({ description: "Servers that cleaning up leaves in any case." }),
    server_stabilization_time: field.duration({ description: "How long a new server must be healthy before it votes." }),
    disable_upgrade_migration: field.bool({ description: "Kept for compatibility." }),
  },
  operations: {
    read: {
      summary: "Reads the settings.", effect: "read",
      handler: (_request, storage) => {
        const config = autopilotConfiguration(storage);
        return data({
          ...config,
          last_contact_threshold: goDuration(config.last_contact_threshold),
          dead_server_last_contact_threshold: goDuration(config.dead_server_last_contact_threshold),
          server_stabilization_time: goDuration(config.server_stabilization_time),
        });
      },
    },
    update: {
      summary: "Changes the settings given.", effect: "write",
      handler: ({ input }, storage) => {
        const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as Partial<AutopilotConfiguration>;
        storage.put(KEY, CODEC, checked({ ...autopilotConfiguration(storage), ...given }));
        return NO_CONTENT;
      },
    },
  },
});

/** The body of autopilot/state, in Vault's members. Those that Vault leaves out while empty are left out here. */
export function autopilotState({ healthy, failureTolerance, servers }: AutopilotReport): Record<string, unknown> {
  const ids = (chosen: readonly JudgedServer[]) => chosen.map(({ id }) => id);
  const voters = servers.filter((server) => server.voter);
  const nonVoters = servers.filter((server) => !server.voter);
  return {
    healthy,
    failure_tolerance: failureTolerance,
    // More only where redundancy zones hold servers in reserve.
    optimistic_failure_tolerance: failureTolerance,
    leader: servers.find((server) => server.leader)?.id ?? "",
    voters: ids(voters),
    ...(nonVoters.length > 0 && { non_voters: ids(nonVoters) }),
    servers: Object.fromEntries(servers.map((server) => [server.id, shown(server)])),
  };
}

function shown(server: JudgedServer): Record<string, unknown> {
  return {
    id: server.id,
    name: server.id,
    address: server.clusterAddress,
    node_status: server.alive ? "alive" : "left",
    last_contact: goMilliseconds(server.lastContactMs),
    last_term: server.lastTerm,
    last_index: server.lastIndex,
    healthy: server.healthy,
    stable_since: new Date(server.stableSince).toISOString(),
    status: server.leader ? "leader" : server.voter ? "voter" : "non-voter",
    version: server.version,
    upgrade_version: server.version,
    node_type: server.voter || server.forVote ? "voter" : "non-voter",
    meta: null,
  };
}

/** As Go prints a duration: `0s`, `12ms`, `1.5s`, `2m3.25s`. */
function goMilliseconds(milliseconds: number): string {
  const whole = Math.round(milliseconds);
  if (whole === 0) return "0s";
  if (whole < 1000) return `${whole}ms`;
  const rest = whole % 1000;
  const text = goDuration(Math.floor(whole / 1000));
  return rest === 0 ? text : text.replace(/s$/, `${String(rest / 1000).slice(1)}s`);
}

const statePath = systemPath({
  template: "storage/raft/autopilot/state",
  help: { synopsis: "Reports the health of the cluster's servers.", description: "As the active node sees it, and how many more of them may fail." },
  fields: {},
  operations: {
    read: {
      summary: "Reports the health of the cluster's servers.", effect: "read", activeOnly: true,
      handler: async (_request, _storage, { services: { cluster } }) => data(autopilotState(await cluster.autopilot())),
    },
  },
});

export const autopilotPaths: readonly SystemPath[] = [configurationPath, statePath];
