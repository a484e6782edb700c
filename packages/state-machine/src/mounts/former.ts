import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";

/** Paths that mounts had, or have been removed from, to their uuids, the last first. Full paths; storage scoped to `core/`. */
export type FormerPaths = Readonly<Record<string, readonly string[]>>;

const FORMER = "mounts/former";
const codec = jsonCodec<FormerPaths>();
const NONE: FormerPaths = Object.freeze({});

export const formerPaths = (storage: ReadStorage): FormerPaths => storage.get(FORMER, codec) ?? NONE;

/** A mount leaves its path: what it gave out there is still found by that path. */
export function leavePath(storage: WriteStorage, path: string, uuid: string): void {
  const all = formerPaths(storage);
  const others = Object.hasOwn(all, path) ? all[path]!.filter((one) => one !== uuid) : [];
  storage.put(FORMER, codec, { ...all, [path]: [uuid, ...others] });
}

/** Nothing is left of a mount. */
export function forgetPaths(storage: WriteStorage, uuid: string): void {
  const kept = Object.entries(formerPaths(storage)).flatMap(([path, uuids]): [string, string[]][] => {
    const others = uuids.filter((one) => one !== uuid);
    return others.length === 0 ? [] : [[path, others]];
  });
  storage.put(FORMER, codec, Object.fromEntries(kept));
}
