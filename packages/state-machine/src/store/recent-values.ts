/**
 * Stored bytes that applying looks at again and again: most write sets have read the same few keys (the mount table, the
 * token, its policies), and each replica checks the version of each. Exact, since applying is the only writer. Bounded: two
 * generations of maps, of which the older goes when the younger is full.
 */
export interface RecentValues {
  /** From memory, else from `read`. */
  get(key: string): Uint8Array | undefined;
  /** What was just written; null for a deletion. */
  changed(key: string, value: Uint8Array | null): void;
}

/** A value larger than this is not kept. Bytes. */
const MAX_VALUE_BYTES = 4096;

export function createRecentValues(entries: number, read: (key: string) => Uint8Array | undefined): RecentValues {
  const half = Math.max(1, Math.ceil(entries / 2));
  let young = new Map<string, Uint8Array>();
  let old = new Map<string, Uint8Array>();

  function keep(key: string, value: Uint8Array): void {
    if (young.size >= half) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
  }

  return {
    get(key) {
      const hit = young.get(key);
      if (hit) return hit;
      const found = old.get(key) ?? read(key);
      if (found && found.length <= MAX_VALUE_BYTES) keep(key, found);
      return found;
    },
    changed(key, value) {
      old.delete(key);
      // Only what is in use already: most of what is written is not looked at soon.
      if (young.delete(key) && value && value.length <= MAX_VALUE_BYTES) young.set(key, value);
    },
  };
}
