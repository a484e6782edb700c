import type { ListOptions } from "../framework/storage.js";
import { compareKeys } from "./key-order.js";
import type { StateSnapshot } from "./replicated-log.js";
import { endOfFolder } from "./state-layout.js";

/** Lists over a snapshot with a transaction's own writes on top. */
export interface ListingSource {
  readonly snapshot: StateSnapshot;
  /** Keys written by the transaction: true for a put, false for a deletion. */
  readonly pending: ReadonlyMap<string, boolean>;
}

interface Page {
  readonly keys: readonly string[];
  /** Where the next page starts; undefined at the end. */
  readonly next: string | undefined;
}

const FULL_PAGE = 1000;
/** After a page that lay in one folder: the next is likely to do so too, and all but its first key would be read for nothing. */
const SKIPPING_PAGE = 8;

/** The first key that sorts after `key`. */
const after = (key: string) => `${key}\0`;

async function readPage({ snapshot, pending }: ListingSource, from: string, to: string, limit: number): Promise<Page> {
  const stored = await snapshot.keys(from, to, limit);
  const next = stored.length < limit ? undefined : after(stored[stored.length - 1]!);
  if (pending.size === 0) return { keys: stored, next };
  const added: string[] = [];
  for (const [key, isPut] of pending) {
    const below = next ?? to;
    if (isPut && compareKeys(key, from) >= 0 && (below === "" || compareKeys(key, below) < 0)) added.push(key);
  }
  const kept = stored.filter((key) => !pending.has(key));
  return { keys: added.length === 0 ? kept : [...kept, ...added].sort(compareKeys), next };
}

function range(prefix: string, options: ListOptions): { from: string; readonly to: string; readonly limit: number } {
  const { after: last = "", limit = 0 } = options;
  const to = prefix === "" ? "" : endOfFolder(prefix);
  const start = last.endsWith("/") ? endOfFolder(last) : after(last);
  return { from: prefix + (last === "" ? "" : start), to, limit: limit > 0 ? limit : Infinity };
}

/** Every key below `prefix`, relative to it, sorted by bytes. */
export async function allKeys(source: ListingSource, prefix: string, options: ListOptions = {}): Promise<string[]> {
  const { from: start, to, limit } = range(prefix, options);
  const names: string[] = [];
  let from: string | undefined = start;
  while (from !== undefined && names.length < limit) {
    const page: Page = await readPage(source, from, to, Math.min(FULL_PAGE, limit - names.length));
    for (const key of page.keys) if (names.length < limit) names.push(key.slice(prefix.length));
    from = page.next;
  }
  return names;
}

/** Direct children of `prefix`, sorted by bytes; folders end in `/`. Seeks past a folder rather than walking it. */
export async function children(source: ListingSource, prefix: string, options: ListOptions = {}): Promise<string[]> {
  const { from: start, to, limit } = range(prefix, options);
  const names: string[] = [];
  let from: string | undefined = start;
  let pageSize = Math.min(FULL_PAGE, limit);
  while (from !== undefined && names.length < limit) {
    const page: Page = await readPage(source, from, to, pageSize);
    let folder: string | undefined;
    let found = 0;
    for (const key of page.keys) {
      if (folder !== undefined && key.startsWith(folder)) continue;
      if (names.length >= limit) break;
      const slash = key.indexOf("/", prefix.length);
      folder = slash < 0 ? undefined : key.slice(0, slash + 1);
      names.push((folder ?? key).slice(prefix.length));
      found++;
    }
    const inFolder: boolean = folder !== undefined && page.next?.startsWith(folder) === true;
    from = inFolder ? endOfFolder(folder!) : page.next;
    pageSize = found <= 1 && inFolder ? SKIPPING_PAGE : Math.min(FULL_PAGE, pageSize * 4);
  }
  return names;
}
