import type { Codec, ListOptions, WriteStorage } from "../framework/storage.js";
import type { WriteSet } from "./entry.js";
import { checkKey } from "./key-order.js";
import { allKeys, children } from "./listing.js";
import type { ListingSource } from "./listing.js";
import type { LogIndex, StateReader, StateSnapshot, VersionedValue } from "./replicated-log.js";
import type { CachedValue, ValueCache } from "./value-cache.js";

/** Seals and opens stored values; the key is bound to its value. */
export interface ValueSealer {
  encrypt(key: string, plaintext: Uint8Array): Uint8Array;
  /** Throws unless `sealed` was made for this key. */
  decrypt(key: string, sealed: Uint8Array): Uint8Array;
}

/**
 * One evaluation's view of the whole storage. Point reads are validated when the write set is committed; lists are not: who
 * depends on a list staying as it was reads (and writes) a guard key as well.
 */
export interface StoreTransaction extends WriteStorage {
  /** Log index the view reflects. */
  readonly index: LogIndex;
  /** For the few keys the barrier does not seal (`core/keyring`, `core/seal-config`, …). */
  getRaw(key: string): Uint8Array | undefined;
  putRaw(key: string, value: Uint8Array): void;
  /** The write set holds only if `key` is still as that log entry wrote it: for what was committed after the view was taken. */
  expect(key: string, version: LogIndex): void;
  /** The same transaction, below `prefix` (which ends in `/`). */
  scoped(prefix: string): WriteStorage;
  /** Whether anything was put or deleted so far. */
  readonly writes: boolean;
}

/** The view moved under the reads made so far: the evaluation starts again. */
export class ViewMoved extends Error {
  constructor() {
    super("the state changed while it was read; the evaluation starts again");
    this.name = "ViewMoved";
  }
}

type PendingWrite = { readonly kind: "put"; readonly value: unknown; readonly bytes: Uint8Array; readonly codec: Codec<unknown> } | { readonly kind: "delete" };

const DELETE: PendingWrite = Object.freeze({ kind: "delete" });
const RAW: Codec<Uint8Array> = Object.freeze({ encode: (bytes: Uint8Array) => bytes, decode: (bytes: Uint8Array) => bytes });
const ABSENT: CachedValue = Object.freeze({ version: 0, codec: RAW as Codec<unknown>, value: undefined });
/** Was absent when it was last looked for, which is at the cache's position or after it, and nothing has told of it since. */
const LATELY_ABSENT: CachedValue = Object.freeze({ ...ABSENT });
const NO_PENDING: ReadonlyMap<string, boolean> = new Map();

/**
 * Begins on the cache, at the feed's position. What the cache lacks is read from the database as it is now: a value that was
 * written at or before the feed's position was there at that position too. A key that is absent, or was written since, makes
 * the view LOOSE: a write set made from it is as safe as any, since the version of every read is checked before it is proposed,
 * but nothing else may be concluded from it before `pin` has found that all reads are of one moment.
 *
 * `pin` fixes a snapshot of the database; the view moves there if nothing read so far differs, and is void otherwise. From
 * then on the cache only serves what is as the snapshot has it. Listing pins, and so does waiting.
 */
export class Transaction implements StoreTransaction {
  readonly #reader: StateReader;
  readonly #cache: ValueCache;
  readonly #sealer: ValueSealer;
  readonly #start: LogIndex;
  readonly #era: number;
  readonly #reads = new Map<string, LogIndex>();
  #pending: Map<string, PendingWrite> | undefined;
  #snapshot: StateSnapshot | undefined;
  #ended = false;
  #moved = false;
  #loose = false;
  #lists = 0;

  constructor(reader: StateReader, cache: ValueCache, sealer: ValueSealer) {
    this.#reader = reader;
    this.#cache = cache;
    this.#sealer = sealer;
    this.#start = cache.position();
    this.#era = cache.era();
  }

  get index(): LogIndex {
    return this.#snapshot ? this.#snapshot.index : this.#start;
  }

  /** The evaluation must not be used, whatever it returned. */
  get moved(): boolean {
    return this.#moved;
  }

  /** Its reads may be of different moments. */
  get loose(): boolean {
    return this.#loose;
  }

  /** Changes when the whole state is replaced. */
  get era(): number {
    return this.#era;
  }

  /** What was read, with the log index that last wrote each (0: absent). */
  get reads(): ReadonlyMap<string, LogIndex> {
    return this.#reads;
  }

  /** How often keys were listed. */
  get lists(): number {
    return this.#lists;
  }

  get writes(): boolean {
    return this.#pending !== undefined && this.#pending.size > 0;
  }

  get<T>(key: string, codec: Codec<T>): T | undefined {
    this.#check();
    const pending = this.#pending?.get(key);
    if (pending) {
      if (pending.kind === "delete") return undefined;
      return (pending.codec === codec ? pending.value : codec.decode(pending.bytes)) as T;
    }
    return this.#read(key, codec as Codec<unknown>) as T | undefined;
  }

  getRaw(key: string): Uint8Array | undefined {
    return this.get(key, RAW);
  }

  put<T>(key: string, codec: Codec<T>, value: T): void {
    this.#write(key, { kind: "put", value, bytes: codec.encode(value), codec: codec as Codec<unknown> });
  }

  putRaw(key: string, value: Uint8Array): void {
    this.put(key, RAW, value);
  }

  delete(key: string): void {
    this.#write(key, DELETE);
  }

  expect(key: string, version: LogIndex): void {
    this.#check();
    this.#reads.set(key, version);
  }

  list(prefix: string, options?: ListOptions): Promise<string[]> {
    return this.#listing((source) => children(source, prefix, options));
  }

  keys(prefix: string, options?: ListOptions): Promise<string[]> {
    return this.#listing((source) => allKeys(source, prefix, options));
  }

  scoped(prefix: string): WriteStorage {
    return new ScopedTransaction(this, prefix);
  }

  /** Fixes the view to a snapshot: before any listing and any waiting, and before anything but a write set comes of a loose view. */
  pin(): StateSnapshot {
    this.#check();
    if (this.#snapshot) return this.#snapshot;
    const snapshot = this.#reader.snapshot();
    this.#snapshot = snapshot;
    if (snapshot.index !== this.#start || this.#loose || this.#cache.era() !== this.#era) {
      for (const [key, version] of this.#reads) {
        if ((snapshot.get(key)?.version ?? 0) !== version) {
          this.#moved = true;
          throw new ViewMoved();
        }
        // Only now is it certain.
        if (version === 0) this.#keep(key, ABSENT);
      }
    }
    this.#loose = false;
    return snapshot;
  }

  /** What to propose, every value sealed; undefined when nothing was written. */
  writeSet(): WriteSet | undefined {
    if (!this.#pending || this.#pending.size === 0) return undefined;
    const puts: [string, Uint8Array][] = [];
    const deletes: string[] = [];
    for (const [key, write] of this.#pending) {
      if (write.kind === "delete") deletes.push(key);
      else puts.push([key, write.codec === RAW ? write.bytes : this.#sealer.encrypt(key, write.bytes)]);
    }
    return { kind: "write", base: this.index, puts, deletes };
  }

  end(): void {
    this.#ended = true;
    this.#snapshot?.close();
  }

  #check(): void {
    if (this.#moved) throw new ViewMoved();
    if (this.#ended) throw new Error("the storage transaction has ended");
  }

  #write(key: string, write: PendingWrite): void {
    this.#check();
    checkKey(key);
    this.#pending ??= new Map();
    this.#pending.set(key, write);
  }

  #read(key: string, codec: Codec<unknown>): unknown {
    const cached = this.#cache.get(key);
    if (cached && (cached.codec === codec || cached.version === 0) && this.#holds(cached)) {
      // In a snapshot at the cache's position it is certain: nothing was looked up later than that.
      if (cached === LATELY_ABSENT && !this.#snapshot) this.#loose = true;
      this.#reads.set(key, cached.version);
      return cached.value;
    }
    // What was not there a moment ago still is not: were it by now, the view would have moved, and the commit will tell.
    if (!this.#snapshot && this.#reads.get(key) === 0) return undefined;
    const found = this.#snapshot ? this.#snapshot.get(key) : this.#peek(key);
    this.#reads.set(key, found?.version ?? 0);
    if (!found) {
      this.#keep(key, this.#snapshot ? ABSENT : LATELY_ABSENT);
      return undefined;
    }
    if (cached?.codec === codec && cached.version === found.version && this.#cache.era() === this.#era) return cached.value;
    const value = codec.decode(codec === RAW ? found.sealed : this.#sealer.decrypt(key, found.sealed));
    this.#keep(key, { version: found.version, codec, value });
    return value;
  }

  #peek(key: string): VersionedValue | undefined {
    const found = this.#reader.peek(key);
    if (!found || found.version > this.#start) this.#loose = true;
    return found;
  }

  /** Whether a value that is right at the cache's position is right in this view too. */
  #holds(cached: CachedValue): boolean {
    const position = this.#cache.position();
    const { index } = this;
    if (this.#cache.era() !== this.#era) return false;
    // Written before the view and still current after it: it was current in between.
    return cached.version === 0 ? position === index : position >= index && cached.version <= index;
  }

  #keep(key: string, found: CachedValue): void {
    const position = this.#cache.position();
    const { index } = this;
    // Without a snapshot it was read just now, which is never before the feed's position.
    if (this.#cache.era() !== this.#era || (this.#snapshot && index < position)) return;
    if (found.version === 0 ? index === position : found.version <= position) this.#cache.set(key, found);
  }

  async #listing(list: (source: ListingSource) => Promise<string[]>): Promise<string[]> {
    const snapshot = this.pin();
    this.#lists += 1;
    const pending = this.#pending ? new Map([...this.#pending].map(([key, write]) => [key, write.kind === "put"])) : NO_PENDING;
    const names = await list({ snapshot, pending });
    this.#check();
    return names;
  }
}

class ScopedTransaction implements WriteStorage {
  readonly #whole: Transaction;
  readonly #prefix: string;

  constructor(whole: Transaction, prefix: string) {
    this.#whole = whole;
    this.#prefix = prefix;
  }

  get<T>(key: string, codec: Codec<T>): T | undefined {
    return this.#whole.get(this.#prefix + key, codec);
  }

  list(prefix: string, options?: ListOptions): Promise<string[]> {
    return this.#whole.list(this.#prefix + prefix, options);
  }

  keys(prefix: string, options?: ListOptions): Promise<string[]> {
    return this.#whole.keys(this.#prefix + prefix, options);
  }

  put<T>(key: string, codec: Codec<T>, value: T): void {
    checkKey(key);
    this.#whole.put(this.#prefix + key, codec, value);
  }

  delete(key: string): void {
    checkKey(key);
    this.#whole.delete(this.#prefix + key);
  }
}

