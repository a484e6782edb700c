import type { Configuration, LogIndex, NodeId } from "./types.js";

/**
 * Everything that needs a majority (elections, commit, read rounds, the quorum check) asks here, and so follows the joint
 * rule: while a change is under way, a majority of the voters before it and one of those after it, each for itself.
 */

/** The sets of voters of which each must give its majority: one, or two during a change. */
function halves({ servers, outgoing }: Configuration): readonly (readonly NodeId[])[] {
  const incoming = servers.filter((server) => server.voter).map((server) => server.id);
  return outgoing ? [incoming, outgoing.voters] : [incoming];
}

/** Ids of the servers that count, those of either half. */
export function voters(configuration: Configuration): NodeId[] {
  return [...new Set(halves(configuration).flat())];
}

export function isVoter(configuration: Configuration, id: NodeId): boolean {
  return halves(configuration).some((half) => half.includes(id));
}

/** The smallest number of voters that is a majority. */
export function majority(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** Whether the servers for which `holds` is true decide. */
export function hasQuorum(configuration: Configuration, holds: (id: NodeId) => boolean): boolean {
  return halves(configuration).every((half) => half.filter(holds).length >= majority(half.length));
}

/** The highest index that a quorum has reached. */
export function committedByQuorum(configuration: Configuration, matchOf: (id: NodeId) => LogIndex): LogIndex {
  const reached = halves(configuration).map((half) => {
    const matches = half.map(matchOf).sort((a, b) => b - a);
    return matches[majority(matches.length) - 1] ?? 0;
  });
  return Math.min(...reached);
}

export type VoteResult = "won" | "lost" | "pending";

export function tally(configuration: Configuration, votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  if (hasQuorum(configuration, (id) => votes.get(id) === true)) return "won";
  return hasQuorum(configuration, (id) => votes.get(id) !== false) ? "pending" : "lost";
}
