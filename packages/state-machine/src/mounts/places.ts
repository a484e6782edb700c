import type { MountEntry } from "../framework/engine.js";
import type { ReadStorage } from "../framework/storage.js";
import { formerPaths } from "./former.js";
import { fullPath, mountIndex, mountRow } from "./table.js";

/**
 * Where something lies that follows its mount: `<uuid of the mount>/<path below it>`. What is kept by its place (leases, and
 * the index of tokens) stays where it is when the mount is moved, and cannot be taken for that of another mount at the same path.
 * All functions take storage scoped to `core/`.
 */
export type Place = string;

/** What a path may mean: below the mount that is there, or one that was there. */
export function placesAt(storage: ReadStorage, path: string): Place[] {
  const [now, then] = [mountIndex(storage), formerPaths(storage)];
  const places: Place[] = [];
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
    const [mountPath, below] = [path.slice(0, slash + 1), path.slice(slash + 1)];
    const uuid = Object.hasOwn(now, mountPath) ? now[mountPath] : undefined;
    if (uuid !== undefined) places.unshift(`${uuid}/${below}`);
    if (Object.hasOwn(then, mountPath)) places.push(...then[mountPath]!.map((one) => `${one}/${below}`));
  }
  return places;
}

/** Where the answer to a request lies. `uuid`: its mount, where that is known; it may have been moved since. */
export function placeOf(storage: ReadStorage, path: string, uuid?: string): Place | undefined {
  const mount = uuid === undefined ? undefined : mountRow(storage, uuid);
  const mountPath = mount && fullPath(mount);
  if (mountPath !== undefined && path.startsWith(mountPath)) return `${uuid}/${path.slice(mountPath.length)}`;
  const places = placesAt(storage, path.endsWith("/") ? path : `${path}/`);
  const found = uuid === undefined ? places[0] : places.find((place) => mountOfPlace(place) === uuid);
  return found?.slice(0, path.endsWith("/") ? undefined : -1);
}

export const mountOfPlace = (place: Place): string => place.slice(0, place.indexOf("/"));

/** As clients know it, where the mount is now. */
export function pathOfPlace(storage: ReadStorage, place: Place): string {
  const uuid = mountOfPlace(place);
  const entry = mountRow(storage, uuid);
  return entry ? fullPath(entry) + place.slice(uuid.length + 1) : place;
}

export interface Below {
  /** Folders within mounts at or above the path; each ends in `/`. */
  readonly inside: readonly Place[];
  /** Mounts below it. */
  readonly mounts: readonly MountEntry[];
}

/** What lies below a path (empty, or ending in `/`) by now: of mounts that were moved away nothing does; removed ones count until they are gone. */
export function below(storage: ReadStorage, path: string): Below {
  const removed = new Set(Object.values(formerPaths(storage)).flat());
  const rows = [...new Set([...Object.values(mountIndex(storage)), ...removed])].flatMap((uuid) => mountRow(storage, uuid) ?? []);
  return {
    inside: rows.filter((entry) => path.startsWith(fullPath(entry))).map((entry) => `${entry.uuid}/${path.slice(fullPath(entry).length)}`),
    mounts: rows.filter((entry) => fullPath(entry).startsWith(path) && fullPath(entry) !== path),
  };
}
