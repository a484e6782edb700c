import type { Environment } from "../framework/engine.js";
import { mountNames } from "../identity/index.js";
import type { MountName } from "../identity/index.js";
import type { Store } from "../store/index.js";
import { countClients } from "./count.js";
import type { Counts, MonthTally, Tally } from "./count.js";
import { endOf, monthOf, monthsBetween, plus, startOf, timestamp } from "./months.js";
import type { Month } from "./months.js";
import { MONTHS, accessorOf } from "./record.js";
import type { Use } from "./record.js";
import type { ActivityRecorder } from "./recorder.js";

/** Whole months, in order, the first and the last within. */
export interface Period {
  readonly first: Month;
  readonly last: Month;
}

/** Where nobody says since when: a year that ends with this month. */
export const BILLING_MONTHS = 12;
/** No period has more: nothing is kept for longer. */
export const MAX_MONTHS = 60;

export const billingStart = (nowMs: number): Month => plus(monthOf(nowMs), 1 - BILLING_MONTHS);

/** The months that a period touches; what is to come has not been. */
export function periodOf(start: Date | undefined, end: Date | undefined, nowMs: number): Period {
  const last = monthOf(Math.min(end?.getTime() ?? nowMs, nowMs));
  const first = start ? monthOf(start.getTime()) : billingStart(nowMs);
  return { first: first < plus(last, 1 - MAX_MONTHS) ? plus(last, 1 - MAX_MONTHS) : first, last };
}

/** Vault's names of them, and those that older clients read. */
const shownCounts = ({ entities, nonEntities }: Counts) => ({
  acme_clients: 0,
  clients: entities + nonEntities,
  distinct_entities: entities,
  entity_clients: entities,
  non_entity_clients: nonEntities,
  non_entity_tokens: nonEntities,
  secret_syncs: 0,
});

type Names = ReadonlyMap<string, MountName>;

const clientsIn = ({ entities, nonEntities }: Counts): number => entities + nonEntities;

/** By namespace: the root. Mounts with the most clients come first. */
function byNamespace({ counts, byMount }: Tally, names: Names) {
  if (clientsIn(counts) === 0) return [];
  const mounts = [...byMount]
    .map(([accessor, ofMount]) => ({ mount_path: names.get(accessor)?.path ?? deleted(accessor), mount_type: names.get(accessor)?.type ?? "", counts: shownCounts(ofMount) }))
    .sort((a, b) => b.counts.clients - a.counts.clients || (a.mount_path < b.mount_path ? -1 : 1));
  return [{ namespace_id: "root", namespace_path: "", counts: shownCounts(counts), mounts }];
}

export const deleted = (accessor: string): string => `deleted mount; accessor ${JSON.stringify(accessor)}`;

/** A month without a client has nulls, as in Vault. */
function shownMonth({ month, all, fresh }: MonthTally, names: Names) {
  const isEmpty = clientsIn(all.counts) === 0;
  return {
    timestamp: timestamp(startOf(month)),
    counts: isEmpty ? null : shownCounts(all.counts),
    namespaces: isEmpty ? null : byNamespace(all, names),
    new_clients: isEmpty ? null : { counts: shownCounts(fresh.counts), namespaces: byNamespace(fresh, names) },
  };
}

export interface ReportOptions {
  readonly store: Store;
  readonly env: Environment;
  readonly recorder: Pick<ActivityRecorder, "waiting">;
}

/** Uses of this month that are not written down yet. */
export function waitingUses({ store, env, recorder }: ReportOptions, last: Month): Use[] {
  if (last !== monthOf(env.now())) return [];
  const now = recorder.waiting().filter(({ firstMs }) => monthOf(firstMs) === last);
  return store.evaluate((tx) => now.map((client) => ({ id: client.id, kind: client.kind, accessor: accessorOf(tx.scoped("core/"), client) }))).value;
}

/** As sys/internal/counters/activity shows it; undefined where nobody was active. */
export async function report(options: ReportOptions, { first, last }: Period): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { total, months } = await countClients(options.store, monthsBetween(first, last), waitingUses(options, last));
  if (clientsIn(total.counts) === 0) return undefined;
  const names = options.store.evaluate((tx) => mountNames(tx.scoped("core/"))).value;
  return {
    start_time: timestamp(startOf(first)),
    end_time: timestamp(endOf(last) - 1),
    total: shownCounts(total.counts),
    by_namespace: byNamespace(total, names),
    months: months.map((month) => shownMonth(month, names)),
  };
}

/** Of this month, as sys/internal/counters/activity/monthly shows it: also where nobody was active. */
export async function monthly(options: ReportOptions): Promise<Readonly<Record<string, unknown>>> {
  const month = monthOf(options.env.now());
  const { total, months } = await countClients(options.store, [month], waitingUses(options, month));
  const names = options.store.evaluate((tx) => mountNames(tx.scoped("core/"))).value;
  return { ...shownCounts(total.counts), by_namespace: byNamespace(total, names), months: clientsIn(total.counts) === 0 ? [] : months.map((one) => shownMonth(one, names)) };
}

/** Whether there is anything to be asked for. */
export async function hasRecords({ store, recorder }: ReportOptions): Promise<boolean> {
  const { value: months } = await store.evaluate((tx) => tx.keys(`core/${MONTHS}`, { limit: 1 }));
  return months.length > 0 || recorder.waiting().length > 0;
}
