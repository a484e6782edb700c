import type { MountEntry } from "../framework/engine.js";
import type { ReadStorage } from "../framework/storage.js";
import { mountIndex, mountRow } from "./table.js";

export interface Route {
  readonly entry: MountEntry;
  /** The mount's full path; what follows it in the request is the engine's. */
  readonly mountPath: string;
}

/** The mount that a full path falls under: mounts never nest, so its first segments decide. `storage` is scoped to `core/`. */
export function route(storage: ReadStorage, path: string): Route | undefined {
  const index = mountIndex(storage);
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
    const mountPath = path.slice(0, slash + 1);
    const uuid = index[mountPath];
    if (uuid !== undefined) return found(storage, uuid, mountPath);
  }
  // `LIST secret` means the mount itself.
  const uuid = index[`${path}/`];
  return uuid === undefined ? undefined : found(storage, uuid, `${path}/`);
}

function found(storage: ReadStorage, uuid: string, mountPath: string): Route | undefined {
  const entry = mountRow(storage, uuid);
  return entry && { entry, mountPath };
}
