import { documentCodec, invalid, jsonCodec } from "@coffer/state-machine";
import type { ReadStorage, WriteStorage } from "@coffer/state-machine";

/**
 * What version 1 stores below its mount, and version 2 takes over from there (see `upgrade.ts`):
 *
 *     unversioned          there is, or was, something in the folder of that name
 *     unversioned/<path>   one secret
 */
export type Unversioned = Readonly<Record<string, unknown>>;

const MARKER = "unversioned";
const FOLDER = "unversioned/";
const codec = documentCodec<Unversioned>();
const markerCodec = jsonCodec<Record<string, never>>();

export function getUnversioned(storage: ReadStorage, path: string): Unversioned | undefined {
  return storage.get(FOLDER + path, codec);
}

export function putUnversioned(storage: WriteStorage, path: string, secret: Unversioned): void {
  if (!hasUnversioned(storage)) storage.put(MARKER, markerCodec, {});
  storage.put(FOLDER + path, codec, secret);
}

export function deleteUnversioned(storage: WriteStorage, path: string): void {
  storage.delete(FOLDER + path);
}

/** The folder that lists secrets' names below `path`; empty means the mount. */
export function unversionedFolder(path: string): string {
  return path === "" ? FOLDER : `${FOLDER}${path}/`;
}

export function hasUnversioned(storage: ReadStorage): boolean {
  return storage.get(MARKER, markerCodec) !== undefined;
}

/** Only where the folder is empty. */
export function forgetUnversioned(storage: WriteStorage): void {
  storage.delete(MARKER);
}

/** Throws RequestError 400, in words that clients of Vault know, while secrets of version 1 are left in a mount of version 2. */
export function refuseWhileUpgrading(storage: ReadStorage): void {
  if (hasUnversioned(storage)) {
    throw invalid("Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period and will resume service shortly.");
  }
}
