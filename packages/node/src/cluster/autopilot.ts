import { createAutopilot } from "@coffer/raft";
import type { Autopilot, AutopilotSettings } from "@coffer/raft";
import { autopilotConfiguration, RequestError } from "@coffer/state-machine";
import type { AutopilotReport, Store } from "@coffer/state-machine";
import type { Member } from "../lifecycle/member.js";
import type { Logger } from "../logging/logger.js";
import type { Admission } from "./admission.js";
import type { Echoes } from "./echoes.js";

const MS = 1000;

/** Autopilot of this cluster: settings from its storage, servers as they joined, versions as they told them. */
export interface ClusterAutopilot {
  /** Of no effect where this node does not lead. */
  step(): Promise<void>;
  /** Throws RequestError `no_active_node` where this node does not lead. */
  report(): Promise<AutopilotReport>;
}

export interface ClusterAutopilotOptions {
  readonly member: () => Member | undefined;
  readonly store: Store;
  readonly admission: Admission;
  readonly echoes: Echoes;
  readonly logger: Logger;
  readonly now: () => number;
}

export function autopilotSettings(store: Store): AutopilotSettings {
  const stored = store.evaluate((tx) => autopilotConfiguration(tx.scoped("core/"))).value;
  return {
    cleanupDeadServers: stored.cleanup_dead_servers,
    lastContactThresholdMs: stored.last_contact_threshold * MS,
    deadServerLastContactThresholdMs: stored.dead_server_last_contact_threshold * MS,
    maxTrailingLogs: stored.max_trailing_logs,
    minQuorum: stored.min_quorum,
    serverStabilizationMs: stored.server_stabilization_time * MS,
  };
}

export function createClusterAutopilot({ member, store, admission, echoes, logger, now }: ClusterAutopilotOptions): ClusterAutopilot {
  // One for each time this node is a member: what it saw as an earlier one says nothing.
  let current: { readonly of: Member; readonly autopilot: Autopilot } | undefined;

  function ofMember(found: Member): Autopilot {
    if (current?.of === found) return current.autopilot;
    const autopilot = createAutopilot({
      now,
      settings: () => autopilotSettings(store),
      status: () => found.thread.call("status", null),
      isForVote: (id) => admission.isForVote(id),
      promote: (server) => admission.promote(server),
      remove: (id) => admission.remove(id),
      logger: { log: (level, message, fields) => logger.log(level, message, fields) },
    });
    current = { of: found, autopilot };
    return autopilot;
  }

  return {
    async step() {
      const found = member();
      if (found) await ofMember(found).step();
    },
    async report() {
      const found = member();
      const state = found && (await ofMember(found).state());
      if (!state) throw new RequestError("no_active_node", "this node is not the active node any more; try again");
      return {
        healthy: state.healthy,
        failureTolerance: state.failureTolerance,
        servers: state.servers.map(({ address, ...server }) => ({ ...server, clusterAddress: address, forVote: admission.isForVote(server.id), version: echoes.of(server.id)?.echo.version ?? "" })),
      };
    },
  };
}
