import { createCommits } from "./commits.js";
import type { WriteSet } from "./entry.js";
import type { LogIndex, ProposeOutcome, ReplicatedLog, StateReader } from "./replicated-log.js";
import { Transaction, ViewMoved } from "./transaction.js";
import type { StoreTransaction, ValueSealer } from "./transaction.js";
import { createValueCache } from "./value-cache.js";

export interface StoreOptions {
  readonly reader: StateReader;
  readonly log: ReplicatedLog;
  readonly barrier: ValueSealer;
  /** Decoded values kept; default 100,000. */
  readonly cacheEntries?: number;
}

/** A function's result, the log index it reflects, what it would write (sealed), and what that rests on. */
export interface Evaluated<T> {
  readonly value: T;
  readonly index: LogIndex;
  readonly writeSet: WriteSet | undefined;
  readonly reads: ReadonlyMap<string, LogIndex>;
  readonly era: number;
}

/** A promise exactly where the function gives one. */
export type EvaluationOf<R> =
  | ([Extract<R, Promise<unknown>>] extends [never] ? never : Promise<Evaluated<Awaited<R>>>)
  | ([Exclude<R, Promise<unknown>>] extends [never] ? never : Evaluated<Exclude<R, Promise<unknown>>>);

export interface Transacted<T> {
  readonly value: T;
  /** `conflict` only when every attempt met one. */
  readonly outcome: ProposeOutcome;
}

export interface Store {
  /**
   * Runs a function against a consistent view, and runs it AGAIN if what it had read from the cache turns out to be older
   * than the rest of its view; so what it does beyond storage must bear repetition. Synchronous when the function is.
   * What the function throws comes out, and nothing is kept.
   */
  evaluate<R>(run: (tx: StoreTransaction) => R): EvaluationOf<R>;
  /** Checks the write set and proposes it. Without one there is nothing to agree on: it is applied at its own index. */
  commit(evaluated: Evaluated<unknown>): Promise<ProposeOutcome>;
  /** Both, again after a conflict; at most `attempts` times (default 8). `commit`: in place of this store's, for who gathers write sets. */
  transact<T>(run: (tx: StoreTransaction) => T | Promise<T>, options?: { readonly attempts?: number; readonly commit?: Store["commit"] }): Promise<Transacted<T>>;
  /** Forgets every decoded value: when the barrier is sealed. */
  clearCache(): void;
  /** Index the cache is at: what the next evaluation reflects at least. */
  readonly index: () => LogIndex;
  /** Since the start. */
  readonly counts: Readonly<StoreCounts>;
}

/** Entries that evaluations read and wrote, each once an evaluation; so counting costs nothing where they are read. */
export interface StoreCounts {
  get: number;
  put: number;
  delete: number;
  list: number;
  /** Write sets, and the time from proposing one until its outcome was known. */
  commits: number;
  commitMilliseconds: number;
}

const CACHE_ENTRIES = 100_000;
const ATTEMPTS = 8;

export function createStore({ reader, log, barrier, cacheEntries = CACHE_ENTRIES }: StoreOptions): Store {
  const cache = createValueCache(cacheEntries, reader.appliedIndex());
  log.onApplied((batch) => {
    if (batch.reset) cache.reset(batch.index);
    else cache.advance(batch.index, batch.keys);
  });

  const counts: StoreCounts = { get: 0, put: 0, delete: 0, list: 0, commits: 0, commitMilliseconds: 0 };
  const propose = createCommits({ log, reader, cache });

  function begin(pinned: boolean): Transaction {
    const tx = new Transaction(reader, cache, barrier);
    if (pinned) tx.pin();
    return tx;
  }

  function finish<T>(tx: Transaction, value: T): Evaluated<T> {
    counts.get += tx.reads.size;
    counts.list += tx.lists;
    const evaluated = { value, index: tx.index, writeSet: tx.writeSet(), reads: tx.reads, era: tx.era };
    tx.end();
    return evaluated;
  }

  async function settle<T>(tx: Transaction, running: Promise<T>, again: () => Evaluated<T> | Promise<Evaluated<T>>): Promise<Evaluated<T>> {
    try {
      // Nothing may be awaited in a view that only the cache holds together.
      if (!tx.moved) tx.pin();
    } catch (error) {
      if (!tx.moved) {
        await running.catch(() => undefined);
        throw error;
      }
    }
    try {
      const value = await running;
      if (!tx.moved) return finish(tx, value);
    } catch (error) {
      if (!tx.moved) throw error;
    } finally {
      tx.end();
    }
    return again();
  }

  function attempt<T>(run: (tx: StoreTransaction) => T | Promise<T>, pinned: boolean): Evaluated<T> | Promise<Evaluated<T>> {
    const tx = begin(pinned);
    // A pinned view cannot move, so this happens once.
    const again = () => attempt(run, true);
    let result: T | Promise<T>;
    try {
      result = run(tx);
      if (result instanceof Promise) return settle(tx, result, again);
      if (holds(tx)) return finish(tx, result);
    } catch (error) {
      // An error is a conclusion too, whatever would have been written.
      if (holds(tx, true)) {
        tx.end();
        throw error;
      }
    }
    tx.end();
    return again();
  }

  /** Whether what came of this view may be used. A loose one may for its write set, and for the rest once it is pinned. */
  function holds(tx: Transaction, isFailure = false): boolean {
    if (tx.loose && !tx.moved && (isFailure || !tx.writes)) {
      try {
        tx.pin();
      } catch (error) {
        if (!(error instanceof ViewMoved)) throw error;
      }
    }
    return !tx.moved;
  }

  function commit({ index, era, reads, writeSet }: Evaluated<unknown>): Promise<ProposeOutcome> {
    if (!writeSet) return Promise.resolve({ outcome: "applied", index });
    const since = performance.now();
    return propose({ index, era, reads, writeSet }).then((outcome) => {
      if (outcome.outcome !== "applied") return outcome;
      counts.put += writeSet.puts.length;
      counts.delete += writeSet.deletes.length;
      counts.commits += 1;
      counts.commitMilliseconds += performance.now() - since;
      return outcome;
    });
  }

  return {
    evaluate: <R>(run: (tx: StoreTransaction) => R) => attempt(run as (tx: StoreTransaction) => unknown, false) as EvaluationOf<R>,
    commit,
    async transact(run, { attempts = ATTEMPTS, commit: commitBy = commit } = {}) {
      for (let left = attempts; ; left--) {
        const evaluated = await attempt(run, false);
        const outcome = await commitBy(evaluated);
        if (outcome.outcome !== "conflict" || left <= 1) return { value: evaluated.value, outcome };
      }
    },
    clearCache: () => cache.clear(),
    index: () => cache.position(),
    counts,
  };
}
