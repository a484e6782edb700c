import type { RaftCore } from "../core/api.js";
import type { NodeId } from "../core/types.js";
import type { RaftHost } from "./api.js";
import type { Measures } from "./measures.js";
import { addressOf } from "./status.js";

/** Who leads, as the core says: counted, and told to whoever listens. */
export interface LeadershipWatch {
  /** The leader here has applied its own first entry. */
  isReady(): boolean;
  listen(listener: Parameters<RaftHost["onLeadership"]>[0]): void;
  /** Role, leader or term changed, or the leader became ready. */
  changed(): void;
  /** A server that was just added hears its leader before it learns the configuration, and with it the leader's address. */
  configurationChanged(): void;
}

export function createLeadershipWatch(id: NodeId, core: RaftCore, measures: Measures, onChange: (isLeader: boolean, isLeaderKnown: boolean) => void): LeadershipWatch {
  const listeners: Parameters<RaftHost["onLeadership"]>[0][] = [];
  let ready = false;
  let toldAddress: string | undefined;
  /** The term in which this member leads. */
  let led: number | undefined;

  function count(): void {
    const { role, term, leaderReady, configuration } = core.status();
    if (role === "candidate" || role === "pre-candidate") measures.elections += 1;
    if (role === "pre-candidate") measures.electionsTimeout += 1;
    if (role === "leader" && !ready && !leaderReady) measures.leadershipsWon += 1;
    if (led !== undefined && role !== "leader") {
      measures.leadershipsLost += 1;
      // In its own term nobody else can have taken it away, and whoever is removed is no member.
      if (term === led && configuration.servers.some((server) => server.id === id)) measures.quorumsLost += 1;
    }
    led = role === "leader" ? term : undefined;
  }

  function tell(): void {
    const { role, leader, term, configuration } = core.status();
    toldAddress = addressOf(leader, configuration);
    for (const listener of listeners) listener({ role, leader, leaderAddress: toldAddress, term, ready });
  }

  return {
    isReady: () => ready,
    listen: (listener) => void listeners.push(listener),
    changed() {
      count();
      const { role, leader, leaderReady } = core.status();
      ready = leaderReady;
      onChange(role === "leader", leader !== undefined);
      tell();
    },
    configurationChanged() {
      const { leader, configuration } = core.status();
      if (addressOf(leader, configuration) !== toldAddress) tell();
    },
  };
}
