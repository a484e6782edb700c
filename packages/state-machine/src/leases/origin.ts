import type { CompiledEngine } from "../framework/index.js";
import type { Mount, MountEntry, Neighbour } from "../framework/engine.js";
import { mountRow } from "../mounts/index.js";
import type { StoreTransaction } from "../store/index.js";

export interface Origins {
  readonly engineFor: (entry: MountEntry) => CompiledEngine | undefined;
  readonly mountOf: (entry: MountEntry) => Mount<unknown>;
}

/** The mount that a lease or a login came from, reached within a transaction; also one that is being removed. */
export function origin(tx: StoreTransaction, uuid: string, { engineFor, mountOf }: Origins): Neighbour | undefined {
  const entry = mountRow(tx.scoped("core/"), uuid);
  const compiled = entry && engineFor(entry);
  return compiled && { engine: compiled.engine, storage: tx.scoped(`logical/${uuid}/`), mount: mountOf(entry) };
}
