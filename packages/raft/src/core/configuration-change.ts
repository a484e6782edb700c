import type { Configuration, NodeId, Server } from "./types.js";
import { isVoter } from "./quorum.js";

/**
 * From one configuration to any other (Raft paper, section 6; thesis 4.3). Majorities of two configurations that differ in at
 * most one voter always meet, so such a change is one entry. Any other passes through a joint configuration, in which both
 * majorities are needed, and which the leader leaves by a second entry once the first is committed.
 */
export function nextConfiguration(current: Configuration, target: Configuration): Configuration {
  if (votersChanged(current, target) <= 1) return { servers: target.servers };
  const voters = current.servers.filter((server) => server.voter);
  const leaving = voters.filter(({ id }) => !has(target, id));
  return {
    // Those that leave get the log to the end: their majority is needed too.
    servers: [...target.servers, ...leaving.map((server) => ({ ...server, voter: false }))],
    outgoing: { voters: voters.map(({ id }) => id), leaving: leaving.map(({ id }) => id) },
  };
}

/** What a joint configuration leads to. */
export function leaveJoint({ servers, outgoing }: Configuration): Configuration {
  return { servers: servers.filter(({ id }) => !outgoing?.leaving.includes(id)) };
}

/** Whether a cluster could live in it: each server once, with an address, and one of them votes. */
export function isSound({ servers, outgoing }: Configuration): boolean {
  const ids = new Set(servers.map(({ id }) => id));
  return outgoing === undefined && ids.size === servers.length && servers.every(({ id, address }) => id !== "" && address !== "") && servers.some(({ voter }) => voter);
}

/** How many servers gain or lose their vote. */
function votersChanged(from: Configuration, to: Configuration): number {
  const differ = ({ id }: Server) => isVoter(from, id) !== isVoter(to, id);
  const gone = from.servers.filter(({ id }) => !has(to, id));
  return [...to.servers, ...gone].filter(differ).length;
}

function has({ servers }: Configuration, id: NodeId): boolean {
  return servers.some((server) => server.id === id);
}
