import { setImmediate } from "node:timers/promises";
import type { ReadStorage } from "@coffer/state-machine";

/** Which keys below a folder are shown. Paths are relative to that folder; those of folders end in `/`. */
export interface View {
  /** A folder that may not be entered is passed over with all that lies in it. */
  readonly mayEnter: (folder: string) => boolean;
  /** Whether the key's name may be told at all. */
  readonly mayShow: (key: string) => boolean;
  /** Whether it is looked for. */
  readonly matches: (key: string) => boolean;
}

export interface Walked {
  readonly keys: readonly string[];
  /** The key to go on after, one that may be shown; undefined where there is nothing left. */
  readonly next: string | undefined;
  /** There was so much that may not be shown that the walk ended before it came to its end. */
  readonly gaveUp: boolean;
}

/** Keys read at a time: between two such slices other requests have their turn. */
const SLICE = 500;
/** Keys looked at for one request; whoever wants more asks again. */
export const MOST_KEYS = 100_000;
/** So many times as much is looked through for a key that may be told as the place to go on: one that may not would be told by it. */
const PATIENCE = 10;

/** All keys below `folder` (of storage) that the view shows, in the order of their bytes; `limit` 0 means as many as one request may look at. */
export async function walk(storage: ReadStorage, folder: string, view: View, { after, limit }: { readonly after: string; readonly limit: number }, most = MOST_KEYS): Promise<Walked> {
  const closedFolder = doors(view.mayEnter);
  const keys: string[] = [];
  let last = after;
  for (let looked = 0; looked < PATIENCE * most; looked += SLICE) {
    const slice = await storage.keys(folder, { after: last, limit: SLICE });
    const isLast = slice.length < SLICE;
    for (const key of slice) {
      if (last.endsWith("/") && key.startsWith(last)) continue;
      const closed = closedFolder(key);
      last = closed ?? key;
      if (closed !== undefined) continue;
      const matches = view.matches(key);
      if ((!matches && looked < most) || !view.mayShow(key)) continue;
      if (matches) keys.push(key);
      const isFull = looked >= most || (limit > 0 && keys.length === limit);
      if (isFull) return { keys, next: isLast && key === slice.at(-1) ? undefined : key, gaveUp: false };
    }
    if (isLast) return { keys, next: undefined, gaveUp: false };
    await setImmediate();
  }
  return { keys, next: undefined, gaveUp: true };
}

/** The outermost folder of a key that may not be entered; undefined: none. Keys come sorted, so most lie where the last one did. */
function doors(mayEnter: View["mayEnter"]): (key: string) => string | undefined {
  const known = new Map<string, boolean>();
  let open = "";
  return (key) => {
    const own = key.slice(0, key.lastIndexOf("/") + 1);
    if (own === open) return undefined;
    for (let at = own.indexOf("/"); at >= 0; at = own.indexOf("/", at + 1)) {
      const folder = own.slice(0, at + 1);
      if (!known.has(folder)) known.set(folder, mayEnter(folder));
      if (!known.get(folder)) return folder;
    }
    open = own;
    return undefined;
  };
}
