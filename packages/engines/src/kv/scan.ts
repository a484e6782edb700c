import { data, field } from "@coffer/state-machine";
import type { EnvelopeResponse, Mount, ReadStorage } from "@coffer/state-machine";
import { keyQuery } from "./key-query.js";
import { walk } from "./walk.js";
import type { Walked } from "./walk.js";

/** What a scan can be asked beyond a list's page. */
export const QUERY_FIELD = {
  query: field.string({
    description: "Of a scan: shows only keys in which this text stands anywhere, in whichever case. With * (any characters) or ? (one) it describes the whole name, or where it holds a slash the whole path.",
    query: true,
    default: "",
  }),
};

export interface ScanInput {
  readonly path: string;
  readonly after: string;
  readonly limit: number;
  readonly query: string;
}

/** Where scanned keys are, to storage and to policies. */
export interface Scanned {
  /** In storage; ends in `/`. */
  readonly folder: string;
  /** The prefix below the mount under which policies name the folder's contents: `metadata/`, or nothing. */
  readonly room: string;
  /** Whoever may read a key below this prefix sees its name too. */
  readonly alsoRoom?: string;
}

const CUT = "this is not all that there is: go on with after set to what next says";
const GAVE_UP = "this is not all that there is: too many keys follow that the token may not see; ask below one of the folders";

/**
 * Everything below a path that the caller may see. A folder that it may neither list nor scan is not entered, and a key is
 * shown to those who may read, list or scan it. Reads names only, never a secret.
 */
export function scanKeys(storage: ReadStorage, { folder, room, alsoRoom }: Scanned, { path, after, limit, query }: ScanInput, { allows }: Mount, most?: number): Promise<Walked> {
  const matches = keyQuery(query);
  const may = allows ?? (() => false);
  const base = path === "" ? "" : `${path}/`;
  const isOpen = (below: string) => may("scan", below) || may("list", below);
  return walk(
    storage,
    folder,
    {
      mayEnter: (below) => isOpen(room + base + below),
      mayShow: (key) => isOpen(room + base + key) || may("read", room + base + key) || (alsoRoom !== undefined && may("read", alsoRoom + base + key)),
      matches,
    },
    { after, limit },
    most,
  );
}

/** 404 where there is nothing, but not where it is only not found yet. */
export function scanAnswer({ keys, next, gaveUp }: Walked, limit: number, keyInfo?: Readonly<Record<string, unknown>>): EnvelopeResponse | undefined {
  if (keys.length === 0 && next === undefined && !gaveUp) return undefined;
  const wasCut = next !== undefined && !(limit > 0 && keys.length === limit);
  const warnings = gaveUp ? [GAVE_UP] : wasCut ? [CUT] : [];
  return data({ keys, ...(keyInfo && { key_info: keyInfo }), ...(next !== undefined && { next }) }, { warnings });
}
