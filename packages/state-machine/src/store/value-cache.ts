import type { Codec } from "../framework/storage.js";
import type { LogIndex } from "./replicated-log.js";

/** A decoded value and the entry that wrote it; version 0 stands for a key that is absent. */
export interface CachedValue {
  readonly version: LogIndex;
  readonly codec: Codec<unknown>;
  readonly value: unknown;
}

/**
 * Decoded values, right as of `position` (the last batch of the applied feed). Bounded: two generations of maps, of which
 * the older is dropped when the younger is full; a hit in the older moves up.
 */
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
  const half = Math.max(1, Math.ceil(entries / 2));
  let young = new Map<string, CachedValue>();
  let old = new Map<string, CachedValue>();
  let position = start;
  let era = 0;

  function set(key: string, value: CachedValue): void {
    if (young.size >= half) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
  }
  function clear(): void {
    young = new Map();
    old = new Map();
  }
  return {
    position: () => position,
    era: () => era,
    get(key) {
      const hit = young.get(key);
      if (hit) return hit;
      const older = old.get(key);
      if (older) {
        old.delete(key);
        set(key, older);
      }
      return older;
    },
    set(key, value) {
      old.delete(key);
      set(key, value);
    },
    advance(index, keys) {
      for (const key of keys) {
        young.delete(key);
        old.delete(key);
      }
      position = Math.max(position, index);
    },
    reset(index) {
      clear();
      era++;
      position = index;
    },
    clear,
  };
}
