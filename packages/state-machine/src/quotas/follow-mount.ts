import type { WriteStorage } from "../framework/storage.js";
import { dropLeaseCount } from "./lease-count.js";
import { leaseCounts, putLeaseCounts, putRateLimits, rateLimits } from "./quota.js";
import type { QuotaTable, Scope } from "./quota.js";

/** Quotas go with the mount that they are about: to where it moves, or away with it (`to` undefined). */
export function followMount(storage: WriteStorage, from: string, to: string | undefined): void {
  const rates = rateLimits(storage);
  if (concerned(rates, from).length > 0) putRateLimits(storage, moved(rates, from, to));
  const counts = leaseCounts(storage);
  const ofMount = concerned(counts, from);
  if (ofMount.length === 0) return;
  putLeaseCounts(storage, moved(counts, from, to));
  if (to === undefined) for (const quota of ofMount) dropLeaseCount(storage, quota);
}

const concerned = <Q extends Scope>(table: QuotaTable<Q>, mountPath: string): Q[] => Object.values(table).filter((quota) => quota.mountPath === mountPath);

function moved<Q extends Scope>(table: QuotaTable<Q>, from: string, to: string | undefined): QuotaTable<Q> {
  const entries = Object.entries(table).flatMap(([name, quota]): [string, Q][] => {
    if (quota.mountPath !== from) return [[name, quota]];
    return to === undefined ? [] : [[name, { ...quota, mountPath: to }]];
  });
  return Object.fromEntries(entries);
}
