/**
 * What a handler may do to storage. Reads are synchronous: every node holds the whole replicated state on its own disk, so
 * a read never waits for a network (docs/adr/0002-synchronous-reads.md). Listing walks an iterator and is not.
 *
 * Keys are relative to the owner (a mount sees only `logical/<mount uuid>/…`), `/`-separated, and never start with `/`.
 */

/** Turns a stored value into bytes and back. `decode` may trust its input: the barrier has authenticated it. */
export interface Codec<T> {
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => T;
}

export interface ListOptions {
  /** Only names that sort after this one; empty or absent means from the first. */
  readonly after?: string;
  /** At most this many names; 0, less than that or absent means all. */
  readonly limit?: number;
}

export interface ReadStorage {
  /**
   * The value under `key`, or undefined. What comes back is shared with a cache: treat it as frozen, and write a changed
   * COPY with `put`. Decoded values are cached per key and version, so a hot read costs a map look-up.
   */
  get<T>(key: string, codec: Codec<T>): T | undefined;
  /** Direct children of `prefix` (which is empty or ends in `/`), sorted; a folder's name ends in `/`. */
  list(prefix: string, options?: ListOptions): Promise<string[]>;
  /** Every key below `prefix` (relative to it), sorted. For deletion of a subtree, recursive lists, tidy. */
  keys(prefix: string, options?: ListOptions): Promise<string[]>;
}

/** A request's writes. They reach storage together, as one replicated write set, or not at all. */
export interface WriteStorage extends ReadStorage {
  put<T>(key: string, codec: Codec<T>, value: T): void;
  delete(key: string): void;
}

const decoder = new TextDecoder();

/** JSON values. Not for documents of users, whose large numbers must survive: those use `documentCodec`. */
export function jsonCodec<T>(): Codec<T> {
  return {
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (bytes) => JSON.parse(decoder.decode(bytes)) as T,
  };
}
