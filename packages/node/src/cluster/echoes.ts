import type { Echo } from "../forwarding/wire.js";

/** What the nodes told about themselves: standbys tell the active node, which answers with its own. */
export interface Echoes {
  readonly own: Echo;
  heard(echo: Echo): void;
  /** Undefined for a node that has not been heard of (for ten minutes). `heardAt`: milliseconds since 1970. */
  of(nodeId: string): { readonly echo: Echo; readonly heardAt: number } | undefined;
}

/** A node that was silent for so long is forgotten: it may have left for good. */
const REMEMBERED_MS = 10 * 60_000;

export function createEchoes(own: Echo, now: () => number): Echoes {
  const known = new Map<string, { echo: Echo; heardAt: number }>();
  return {
    own,
    heard(echo) {
      const time = now();
      for (const [id, { heardAt }] of known) if (time - heardAt > REMEMBERED_MS) known.delete(id);
      known.set(echo.nodeId, { echo, heardAt: time });
    },
    of(nodeId) {
      if (nodeId === own.nodeId) return { echo: own, heardAt: now() };
      const found = known.get(nodeId);
      return found && now() - found.heardAt <= REMEMBERED_MS ? found : undefined;
    },
  };
}
