import type { Echo } from "../forwarding/wire.js";

/** What the nodes told about themselves: standbys tell the active node, which answers with its own. */
export interface Echoes {
  readonly own: Echo;
  heard(echo: Echo): void;
  /** Undefined for a node that has not been heard of. */
  of(nodeId: string): { readonly echo: Echo; readonly heardAt: number } | undefined;
}

export function createEchoes(own: Echo, now: () => number): Echoes {
  const known = new Map<string, { echo: Echo; heardAt: number }>();
  return {
    own,
    heard: (echo) => void known.set(echo.nodeId, { echo, heardAt: now() }),
    of: (nodeId) => (nodeId === own.nodeId ? { echo: own, heardAt: now() } : known.get(nodeId)),
  };
}
