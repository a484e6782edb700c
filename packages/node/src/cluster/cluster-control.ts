import type { Readable } from "node:stream";
import { invalid, RequestError } from "@coffer/state-machine";
import type { ClusterControl, JoinRequest } from "@coffer/state-machine";
import type { RaftStatus } from "@coffer/raft";
import type { Member } from "../lifecycle/member.js";
import type { Admission } from "./admission.js";
import type { ClusterAutopilot } from "./autopilot.js";
import type { Echoes } from "./echoes.js";
import type { SnapshotControl } from "./snapshot-control.js";

/** As Vault, whose paths of raft do not exist on other storage. */
export function unsupportedPath(): RequestError {
  return new RequestError("not_found", "1 error occurred:\n\t* unsupported path\n\n");
}

export interface ClusterControlOptions {
  /** Whether the storage is raft; otherwise there is never a member. */
  readonly isReplicated: boolean;
  readonly member: () => Member | undefined;
  readonly diskFault: () => string | undefined;
  readonly isActive: () => boolean;
  /** Milliseconds since 1970; undefined on a standby. */
  readonly activeSince: () => number | undefined;
  readonly echoes: Echoes;
  readonly admission: Admission;
  readonly autopilot: ClusterAutopilot;
  readonly snapshots: SnapshotControl;
  readonly join: (request: JoinRequest) => Promise<boolean>;
}

export function createClusterControl(options: ClusterControlOptions): ClusterControl {
  const { echoes, admission, snapshots } = options;

  function member(): Member {
    const found = options.member();
    if (found) return found;
    throw options.isReplicated ? invalid("this node is part of no cluster yet") : unsupportedPath();
  }

  const status = (): Promise<RaftStatus> => member().thread.call("status", null);

  return {
    leadership() {
      const found = options.member();
      const isLeader = options.isActive();
      const leader = found?.thread.leader();
      const since = options.activeSince();
      // Consensus may be led from here while this node is sealed or not yet active: nobody is sent to it then.
      const other = leader?.isLeader ? undefined : leader?.leaderId;
      const active = isLeader ? echoes.own : other === undefined ? undefined : echoes.of(other)?.echo;
      return {
        haEnabled: options.isReplicated,
        isLeader,
        leaderId: isLeader ? echoes.own.nodeId : leader?.leaderId,
        term: leader?.term ?? 1,
        activeApiAddress: active?.apiAddress ?? "",
        activeClusterAddress: active?.clusterAddress ?? "",
        activeSince: since === undefined ? "" : new Date(since).toISOString(),
      };
    },
    diskFault: options.diskFault,
    committedIndex: () => options.member()?.thread.appliedIndex() ?? 0,
    appliedIndex: () => options.member()?.thread.appliedIndex() ?? 0,
    async configuration() {
      const { servers, configurationIndex } = await status();
      return { index: configurationIndex, servers: servers.map(({ id, address, voter, leader }) => ({ id, clusterAddress: address, voter, leader })) };
    },
    async nodes() {
      const { own } = echoes;
      if (!options.isReplicated) return [{ hostname: own.hostname, apiAddress: own.apiAddress, clusterAddress: own.clusterAddress, activeNode: options.isActive(), lastEcho: null, version: own.version }];
      const { servers } = await status();
      return servers.flatMap(({ id, address }) => {
        const heard = echoes.of(id);
        if (!heard) return [];
        const isSelf = id === own.nodeId;
        return [{ hostname: heard.echo.hostname, apiAddress: heard.echo.apiAddress, clusterAddress: heard.echo.clusterAddress || `https://${address}`, activeNode: isSelf, lastEcho: isSelf ? null : new Date(heard.heardAt).toISOString(), version: heard.echo.version }];
      });
    },
    async autopilot() {
      member();
      return options.autopilot.report();
    },
    async join(request) {
      if (!options.isReplicated) throw new RequestError("internal", "raft backend not in use");
      return options.join(request);
    },
    challenge: async (serverId) => admission.challenge(serverId),
    answer: (input) => admission.answer(input),
    async removePeer(serverId) {
      member();
      await admission.remove(serverId);
    },
    async letVote(serverId, votes) {
      member();
      await admission.letVote(serverId, votes);
    },
    async stepDown() {
      const found = options.member();
      if (!found || !(await hasOtherVoter(found))) return;
      if (!(await found.thread.call("transferLeadership", null))) throw new RequestError("no_active_node", "no other node could take over; this one stays active");
    },
    saveSnapshot: () => snapshots.save(),
    restoreSnapshot: (stream: Readable, force) => snapshots.restore(stream, force),
  };
}

async function hasOtherVoter({ thread, identity }: Member): Promise<boolean> {
  const { servers } = await thread.call("status", null);
  return servers.some(({ id, voter }) => voter && id !== identity.nodeId);
}
