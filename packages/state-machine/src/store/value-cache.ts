import type { Codec } from "../framework/storage.js";
import { createRecentMap } from "./recent-map.js";
import type { LogIndex } from "./replicated-log.js";

/** A decoded value and the entry that wrote it; version 0 stands for a key that is absent. */
export interface CachedValue {
  readonly version: LogIndex;
  readonly codec: Codec<unknown>;
  readonly value: unknown;
}

/** Decoded values, right as of `position` (the last batch of the applied feed); the most recently used of them. */
export interface ValueCache {
  readonly position: () => LogIndex;
  /** Changes when the whole state is replaced: versions from before mean nothing after. */
  readonly era: () => number;
  get(key: string): CachedValue | undefined;
  set(key: string, value: CachedValue): void;
  advance(index: LogIndex, keys: readonly string[]): void;
  reset(index: LogIndex): void;
  /** Forgets the values only. */
  clear(): void;
}

export function createValueCache(entries: number, start: LogIndex): ValueCache {
  const values = createRecentMap<CachedValue>(entries);
  let position = start;
  let era = 0;

  return {
    position: () => position,
    era: () => era,
    get: values.get,
    set: values.set,
    advance(index, keys) {
      for (const key of keys) values.delete(key);
      position = Math.max(position, index);
    },
    reset(index) {
      values.clear();
      era++;
      position = index;
    },
    clear: values.clear,
  };
}
