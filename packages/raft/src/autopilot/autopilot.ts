import type { NodeId } from "../core/types.js";
import type { MembershipResult, RaftLogger, RaftStatus } from "../host/api.js";
import { serversToPromote, serverToRemove } from "./decisions.js";
import type { AutopilotSettings } from "./settings.js";
import { nextState } from "./state.js";
import type { AutopilotState, JudgedServer } from "./state.js";

/** What autopilot sees and may do. How a server gets its vote or leaves is the owner's business. */
export interface AutopilotPort {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly settings: () => AutopilotSettings;
  readonly status: () => Promise<RaftStatus>;
  /** Whether a server without a vote joined to get one. */
  readonly isForVote: (id: NodeId) => boolean;
  /** May take minutes, until the server has caught up. */
  readonly promote: (server: { readonly id: NodeId; readonly address: string }) => Promise<MembershipResult>;
  readonly remove: (id: NodeId) => Promise<void>;
  readonly logger: RaftLogger;
}

/** Watches the servers from the leader: gives votes to those that proved stable, and removes those that are gone for good. */
export interface Autopilot {
  /** Looks once more, and acts; called about once a second where this node leads and serves. */
  step(): Promise<void>;
  /** As of now. Undefined where this node does not lead. */
  state(): Promise<AutopilotState | undefined>;
}

export function createAutopilot(port: AutopilotPort): Autopilot {
  const { logger } = port;
  let known: AutopilotState | undefined;
  /** Servers that catch up for their vote, which others need not wait for. */
  const promoting = new Set<NodeId>();
  let removing = false;

  async function look(): Promise<AutopilotState | undefined> {
    const status = await port.status();
    known = nextState(known, status, port.settings(), port.now());
    return known;
  }

  async function promote(server: { readonly id: NodeId; readonly address: string }): Promise<void> {
    promoting.add(server.id);
    try {
      const result = await port.promote(server);
      if (result.ok) logger.log("info", "a server has proved stable and votes now", { id: server.id });
      else logger.log("warn", "a server does not vote yet", { id: server.id, reason: result.message });
    } finally {
      promoting.delete(server.id);
    }
  }

  async function remove(dead: JudgedServer): Promise<void> {
    removing = true;
    try {
      logger.log("warn", "removing a server that is gone", { id: dead.id, address: dead.address, silent_seconds: Math.round(dead.lastContactMs / 1000), voter: dead.voter });
      await port.remove(dead.id);
    } finally {
      removing = false;
    }
  }

  return {
    state: look,
    async step() {
      const state = await look();
      if (!state) return;
      const settings = port.settings();
      const dead = removing ? undefined : serverToRemove(state, settings);
      // What that leaves is judged at the next look.
      if (dead) return remove(dead);
      const ready = serversToPromote(state, settings, port.isForVote, port.now()).filter(({ id }) => !promoting.has(id));
      await Promise.all(ready.map(promote));
    },
  };
}
