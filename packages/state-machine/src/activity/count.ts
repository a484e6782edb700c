import type { Store } from "../store/index.js";
import type { ClientKind } from "./client.js";
import type { Month } from "./months.js";
import { monthFolder, useOf } from "./record.js";
import type { Use } from "./record.js";

export interface Counts {
  entities: number;
  nonEntities: number;
}

/** Distinct clients, and of each mount (by its accessor) those that came by it. */
export interface Tally {
  readonly counts: Counts;
  readonly byMount: Map<string, Counts>;
}

export interface MonthTally {
  readonly month: Month;
  readonly all: Tally;
  /** Who was not there in an earlier month of the period. */
  readonly fresh: Tally;
}

export interface PeriodTally {
  readonly total: Tally;
  readonly months: readonly MonthTally[];
}

/** One client, with its uses by the months of the period, as their index. */
export interface ClientUses {
  readonly id: string;
  readonly kind: ClientKind;
  readonly uses: ReadonlyMap<number, readonly Use[]>;
}

const PAGE = 1000;

/** A page of names at a time, each of a view of its own: however long it takes, nothing is held. */
async function* recorded(store: Store, month: Month): AsyncGenerator<Use> {
  for (let after = ""; ; ) {
    const from = after;
    const { value: names } = await store.evaluate((tx) => tx.keys(`core/${monthFolder(month)}`, { limit: PAGE, after: from }));
    for (const name of names) yield useOf(name);
    if (names.length < PAGE) return;
    after = names[names.length - 1]!;
  }
}

interface Cursor {
  readonly month: number;
  readonly rest: AsyncIterator<Use> | Iterator<Use>;
  head: Use | undefined;
}

/**
 * The clients of some months, by their ids, each once. `waiting`: of the last one, what is not written down yet. Holds no more
 * than a page of each month.
 */
export async function* clientsOf(store: Store, months: readonly Month[], waiting: readonly Use[]): AsyncGenerator<ClientUses> {
  const cursors: Cursor[] = months.map((month, index) => ({ month: index, rest: recorded(store, month), head: undefined }));
  if (waiting.length > 0) cursors.push({ month: months.length - 1, rest: waiting.toSorted((a, b) => (a.id < b.id ? -1 : 1))[Symbol.iterator](), head: undefined });
  const advance = async (cursor: Cursor): Promise<void> => {
    const next = cursor.rest.next();
    const { done, value } = next instanceof Promise ? await next : next;
    cursor.head = done === true ? undefined : (value as Use);
  };
  for (const cursor of cursors) await advance(cursor);
  for (;;) {
    const first = cursors.reduce<Use | undefined>((least, { head }) => (head && (!least || head.id < least.id) ? head : least), undefined);
    if (!first) return;
    const uses = new Map<number, Use[]>();
    for (const cursor of cursors) {
      while (cursor.head?.id === first.id) {
        const ofMonth = uses.get(cursor.month);
        // What waits may have been written down meanwhile, or before a restart by another mount: the first counts.
        if (!ofMonth) uses.set(cursor.month, [cursor.head]);
        await advance(cursor);
      }
    }
    yield { id: first.id, kind: first.kind, uses };
  }
}

const emptyTally = (): Tally => ({ counts: { entities: 0, nonEntities: 0 }, byMount: new Map() });

function add(tally: Tally, kind: ClientKind, accessors: Iterable<string>): void {
  const member = kind === "entity" ? "entities" : "nonEntities";
  tally.counts[member] += 1;
  for (const accessor of accessors) {
    let counts = tally.byMount.get(accessor);
    if (!counts) tally.byMount.set(accessor, (counts = { entities: 0, nonEntities: 0 }));
    counts[member] += 1;
  }
}

/** Months in their order. */
export async function countClients(store: Store, months: readonly Month[], waiting: readonly Use[]): Promise<PeriodTally> {
  const total = emptyTally();
  const ofMonths = months.map((month): MonthTally => ({ month, all: emptyTally(), fresh: emptyTally() }));
  for await (const { kind, uses } of clientsOf(store, months, waiting)) {
    add(total, kind, new Set([...uses.values()].flat().map(({ accessor }) => accessor)));
    const first = Math.min(...uses.keys());
    for (const [index, found] of uses) {
      const accessors = new Set(found.map(({ accessor }) => accessor));
      add(ofMonths[index]!.all, kind, accessors);
      if (index === first) add(ofMonths[index]!.fresh, kind, accessors);
    }
  }
  return { total, months: ofMonths };
}
