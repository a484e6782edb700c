import type { QuotaTable, Scope } from "./quota.js";

/** The quotas of one kind, by where they apply. */
export interface QuotaIndex<Q> {
  readonly isEmpty: boolean;
  /**
   * The one quota that decides on a request: that of the role, else of the exact path, else of the longest `path*`, else of
   * the mount, else the one for everything. `role` is asked for only where a quota of the mount names one.
   */
  find(path: string, role: () => string | undefined): Q | undefined;
}

interface OfMount<Q> {
  readonly byRole: Map<string, Q>;
  readonly byPath: Map<string, Q>;
  /** The longest first; without their `*`. */
  readonly prefixes: { readonly prefix: string; readonly quota: Q }[];
  whole: Q | undefined;
}

const indexes = new WeakMap<object, QuotaIndex<unknown>>();

/** Made once for each table as decoded, which is shared until it changes. */
export function quotaIndex<Q extends Scope>(table: QuotaTable<Q>): QuotaIndex<Q> {
  const known = indexes.get(table) as QuotaIndex<Q> | undefined;
  if (known) return known;
  const made = build(Object.values(table));
  indexes.set(table, made);
  return made;
}

function build<Q extends Scope>(quotas: readonly Q[]): QuotaIndex<Q> {
  const mounts = new Map<string, OfMount<Q>>();
  let all: Q | undefined;
  for (const quota of quotas) {
    if (quota.mountPath === "") all = quota;
    else file(mounts, quota);
  }
  for (const { prefixes } of mounts.values()) prefixes.sort((a, b) => b.prefix.length - a.prefix.length);

  function mountOf(path: string): { readonly found: OfMount<Q>; readonly below: string } | undefined {
    if (mounts.size === 0) return undefined;
    for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
      const found = mounts.get(path.slice(0, slash + 1));
      if (found) return { found, below: path.slice(slash + 1).replace(/\/$/, "") };
    }
    const found = mounts.get(`${path}/`);
    return found && { found, below: "" };
  }

  return {
    isEmpty: quotas.length === 0,
    find(path, role) {
      const mount = mountOf(path);
      if (!mount) return all;
      const { found, below } = mount;
      const named = found.byRole.size > 0 ? role() : undefined;
      const ofRole = named === undefined ? undefined : found.byRole.get(named);
      return ofRole ?? found.byPath.get(below) ?? found.prefixes.find(({ prefix }) => below.startsWith(prefix))?.quota ?? found.whole ?? all;
    },
  };
}

function file<Q extends Scope>(mounts: Map<string, OfMount<Q>>, quota: Q): void {
  let mount = mounts.get(quota.mountPath);
  if (!mount) mounts.set(quota.mountPath, (mount = { byRole: new Map(), byPath: new Map(), prefixes: [], whole: undefined }));
  if (quota.role !== "") mount.byRole.set(quota.role, quota);
  else if (quota.suffix.endsWith("*")) mount.prefixes.push({ prefix: quota.suffix.slice(0, -1), quota });
  else if (quota.suffix !== "") mount.byPath.set(quota.suffix, quota);
  else mount.whole = quota;
}
