import { RequestError } from "../errors.js";
import { data, field, NO_CONTENT, plain } from "../framework/index.js";
import { systemPath } from "./define.js";

const GO_ZERO_TIME = "0001-01-01T00:00:00Z";
/** Below are interim answers, which no client may be made to wait on. */
const LOWEST_STATUS = 200;
const HIGHEST_STATUS = 999;
const DISK_FAULT_STATUS = 503;

function code(text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  const value = /^\d{3}$/.test(text) ? Number(text) : 0;
  if (value < LOWEST_STATUS || value > HIGHEST_STATUS) throw new RequestError("invalid_request", []);
  return value;
}

const BOOL = field.bool({ description: "A flag of the query." }).kind;

/** A flag is set by being there, unless it says otherwise: `?standbyok` and `?standbyok=true`. */
function flag(text: string | undefined): boolean {
  if (text === undefined || text === "") return text === "";
  const parsed = BOOL.parse(text);
  if (!parsed.ok) throw new RequestError("invalid_request", []);
  return parsed.value === true;
}

const override = (state: string) => field.string({ description: `Status code to answer when ${state}.`, query: true });

export const healthPath = systemPath({
  template: "health",
  help: { synopsis: "Reports this node's health by status code.", description: "200 active, 429 standby, 501 not initialized, 503 sealed, or with a disk or storage that cannot be written or does not answer: then `errors` says so. `unhealthy_seals` names auto seals that could not be used. The query can choose other codes, for load balancers." },
  fields: {
    standbyok: field.string({ description: "Answers as the active node does when this node is a standby.", query: true }),
    perfstandbyok: field.string({ description: "Answers as the active node does when this node is a performance standby.", query: true }),
    activecode: override("active"),
    standbycode: override("standby"),
    drsecondarycode: override("a DR secondary"),
    performancestandbycode: override("a performance standby"),
    sealedcode: override("sealed"),
    uninitcode: override("not initialized"),
  },
  operations: {
    read: {
      summary: "Reports this node's health.", effect: "read", access: "none", whileSealed: true, thisNode: true,
      responses: { 200: "Active", 429: "Standby", 501: "Not initialized", 503: "Sealed, or its disk cannot be written" },
      handler: ({ input }, _storage, { services: { seal, cluster, node }, env }) => {
        const { initialized, sealed } = seal.status();
        const standby = sealed || !cluster.leadership().isLeader;
        const standbyOk = flag(input.standbyok);
        flag(input.perfstandbyok);
        const unhealthy = seal.backends().filter(({ healthy }) => !healthy);
        const active = code(input.activecode, 200);
        const codes = {
          uninitialized: code(input.uninitcode, 501),
          sealed: code(input.sealedcode, 503),
          standby: code(input.standbycode, standbyOk ? active : 429),
        };
        code(input.drsecondarycode, 472);
        code(input.performancestandbycode, 473);
        // A node that cannot write is no standby either, whatever a load balancer takes for one.
        const fault = sealed ? undefined : cluster.diskFault();
        const status = !initialized ? codes.uninitialized : sealed ? codes.sealed : fault !== undefined ? DISK_FAULT_STATUS : standby ? codes.standby : active;
        const replication = sealed ? "unknown" : "disabled";
        return plain({
          initialized,
          sealed,
          standby,
          performance_standby: false,
          replication_performance_mode: replication,
          replication_dr_mode: replication,
          server_time_utc: Math.floor(env.now() / 1000),
          version: node.version,
          ...(sealed ? {} : { cluster_name: node.clusterName(), cluster_id: node.clusterId() }),
          enterprise: false,
          echo_duration_ms: 0,
          clock_skew_ms: 0,
          // Not Vault's, and there while one is lost only. The status stays: a node that is unsealed needs no seal.
          ...(unhealthy.length > 0 && { unhealthy_seals: unhealthy.map(({ name }) => name) }),
          ...(fault !== undefined && { errors: [fault] }),
        }, status);
      },
    },
  },
});

/** A node that can have no other has no leader either. */
const WITHOUT_HA = Object.freeze({ ha_enabled: false, is_self: false, active_time: GO_ZERO_TIME, leader_address: "", leader_cluster_address: "", performance_standby: false, performance_standby_last_remote_wal: 0 });

export const leaderPath = systemPath({
  template: "leader",
  help: { synopsis: "Reports the active node.", description: "Whether this node is the active one, where the active one is, and how far this node's copy of the log has come." },
  fields: {},
  operations: {
    read: {
      summary: "Reports the active node.", effect: "read", access: "none", thisNode: true,
      handler: (_request, _storage, { services: { cluster } }) => {
        const leadership = cluster.leadership();
        if (!leadership.haEnabled) return plain(WITHOUT_HA);
        return plain({
          ha_enabled: true,
          is_self: leadership.isLeader,
          active_time: leadership.activeSince || GO_ZERO_TIME,
          leader_address: leadership.activeApiAddress,
          leader_cluster_address: leadership.activeClusterAddress,
          performance_standby: false,
          performance_standby_last_remote_wal: 0,
          raft_committed_index: cluster.committedIndex(),
          raft_applied_index: cluster.appliedIndex(),
        });
      },
    },
  },
});

export const stepDownPath = systemPath({
  template: "step-down",
  help: { synopsis: "Makes the active node give up its role.", description: "Another node becomes active. On a standby nothing happens." },
  fields: {},
  operations: {
    update: {
      summary: "Gives up the active role.", effect: "write", access: "sudo", activeOnly: true,
      handler: async (_request, _storage, { services }) => {
        await services.cluster.stepDown();
        return NO_CONTENT;
      },
    },
  },
});

export const haStatusPath = systemPath({
  template: "ha-status",
  help: { synopsis: "Lists the nodes of the cluster.", description: "Each node with its addresses, its version, and when the active node last heard from it." },
  fields: {},
  operations: {
    read: {
      summary: "Lists the nodes of the cluster.", effect: "read", activeOnly: true,
      handler: async (_request, _storage, { services }) => {
        const nodes = (await services.cluster.nodes()).map((node) => ({
          hostname: node.hostname,
          api_address: node.apiAddress,
          cluster_address: node.clusterAddress,
          active_node: node.activeNode,
          last_echo: node.lastEcho,
          version: node.version,
        }));
        return data({ nodes }, { dual: true });
      },
    },
  },
});
