import type { Mount, WriteStorage } from "@coffer/state-machine";
import { deleteUnversioned, forgetUnversioned, getUnversioned, hasUnversioned, unversionedFolder } from "./unversioned.js";
import { addVersion } from "./versions.js";

/** Secrets a slice, each of which may be large. */
const SLICE = 64;

/**
 * From version 1 to 2 (`kv enable-versioning`): a tuned mount is served by version 2 at once, which takes the secrets over in
 * slices, each becoming version 1 of itself. What has not come over yet is refused rather than missed. True: more is left.
 */
export async function upgradeSlice(storage: WriteStorage, { env }: Mount): Promise<boolean> {
  if (!hasUnversioned(storage)) return false;
  const paths = await storage.keys(unversionedFolder(""), { limit: SLICE });
  for (const path of paths) {
    addVersion(storage, path, getUnversioned(storage, path)!, undefined, env);
    deleteUnversioned(storage, path);
  }
  const isLast = paths.length < SLICE;
  if (isLast) forgetUnversioned(storage);
  return !isLast;
}
