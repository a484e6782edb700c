import type { Configuration, LogIndex, NodeId } from "./types.js";

/** Ids of the servers that count. */
export function voters(configuration: Configuration): NodeId[] {
  return configuration.servers.filter((server) => server.voter).map((server) => server.id);
}

export function isVoter(configuration: Configuration, id: NodeId): boolean {
  return configuration.servers.some((server) => server.id === id && server.voter);
}

/** The smallest number of voters that is a majority. */
export function majority(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** The highest index that a majority has reached. */
export function committedByQuorum(matches: LogIndex[]): LogIndex {
  if (matches.length === 0) return 0;
  matches.sort((a, b) => b - a);
  return matches[majority(matches.length) - 1]!;
}

export type VoteResult = "won" | "lost" | "pending";

export function tally(ids: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  let yes = 0;
  let no = 0;
  for (const id of ids) {
    const vote = votes.get(id);
    if (vote === true) yes += 1;
    else if (vote === false) no += 1;
  }
  if (yes >= majority(ids.length)) return "won";
  return ids.length - no < majority(ids.length) ? "lost" : "pending";
}
