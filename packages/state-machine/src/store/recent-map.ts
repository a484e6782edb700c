/**
 * A map of the keys that were used lately, at most so many: two generations of maps, of which the older is dropped when the younger is
 * full; a hit in the older moves up.
 */
export interface RecentMap<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
  clear(): void;
}

export function createRecentMap<V>(most: number): RecentMap<V> {
  const half = Math.max(1, Math.ceil(most / 2));
  let young = new Map<string, V>();
  let old = new Map<string, V>();

  function add(key: string, value: V): void {
    if (young.size >= half) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
  }

  return {
    get(key) {
      const hit = young.get(key);
      if (hit !== undefined) return hit;
      const older = old.get(key);
      if (older !== undefined) {
        old.delete(key);
        add(key, older);
      }
      return older;
    },
    set(key, value) {
      old.delete(key);
      add(key, value);
    },
    delete(key) {
      young.delete(key);
      old.delete(key);
    },
    clear() {
      young = new Map();
      old = new Map();
    },
  };
}
