import type { RaftStatus } from "@coffer/raft";
import type { ServerHealth } from "@coffer/state-machine";

/** A server that the leader has not heard from for this long is not alive. */
const ALIVE_MS = 10_000;

/** Remembers since when each server has been in its present health. Seen from the leader. */
export function createHealthTracker(now: () => number, versionOf: (id: string) => string) {
  const since = new Map<string, { alive: boolean; since: number }>();
  return (status: RaftStatus): ServerHealth[] => {
    // A server that left and comes back begins anew.
    for (const id of since.keys()) if (!status.servers.some((server) => server.id === id)) since.delete(id);
    return status.servers.map((server) => {
      const lastContactMs = server.lastContactMs ?? 0;
      const alive = lastContactMs < ALIVE_MS;
      let entry = since.get(server.id);
      if (entry?.alive !== alive) {
        entry = { alive, since: now() };
        since.set(server.id, entry);
      }
      return { id: server.id, alive, lastContactMs, lastTerm: status.term, lastIndex: server.matchIndex, stableSince: new Date(entry.since).toISOString(), version: versionOf(server.id) };
    });
  };
}
