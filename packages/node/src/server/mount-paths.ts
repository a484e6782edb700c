import { mountIndex } from "@coffer/state-machine";
import type { Store } from "@coffer/state-machine";

/** What metrics want to know of the mount table. */
export interface MountPaths {
  /** Hot path, below a microsecond. The mount that a request's path falls under, ending in `/`; undefined for none. */
  of(path: string): string | undefined;
  counts(): { readonly secret: number; readonly auth: number } | undefined;
}

/** A new mount is not measured before the table is looked at again. */
const REFRESH_MS = 1000;

/** `now`: milliseconds, of a clock that does not go back. */
export function createMountPaths(store: Pick<Store, "evaluate">, isSealed: () => boolean, now: () => number): MountPaths {
  let paths: ReadonlySet<string> | undefined;
  let readAt = -Infinity;

  function current(): ReadonlySet<string> | undefined {
    const time = now();
    if (time - readAt < REFRESH_MS) return paths;
    readAt = time;
    paths = isSealed() ? undefined : new Set(Object.keys(store.evaluate((tx) => mountIndex(tx.scoped("core/"))).value));
    return paths;
  }

  return {
    of(path) {
      const known = current();
      if (!known) return undefined;
      for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
        const mountPath = path.slice(0, slash + 1);
        if (known.has(mountPath)) return mountPath;
      }
      return undefined;
    },
    counts() {
      const known = current();
      if (!known) return undefined;
      const auth = [...known].filter((path) => path.startsWith("auth/")).length;
      return { secret: known.size - auth, auth };
    },
  };
}
