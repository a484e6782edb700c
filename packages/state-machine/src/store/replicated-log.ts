/**
 * The one interface between the secrets service and whatever replicates it. `node` implements it with the raft worker
 * thread; `store/memory-log.ts` implements it in memory for -dev and tests.
 */

export type LogIndex = number;

/** One entry's fate. `conflict`: what it rests on was no longer current, so it changed nothing; evaluate again. */
export type ProposeOutcome =
  | { readonly outcome: "applied"; readonly index: LogIndex }
  | { readonly outcome: "conflict"; readonly index: LogIndex }
  /** Certainly not applied. */
  | { readonly outcome: "not-leader" }
  | { readonly outcome: "overloaded" }
  /** Leadership was lost with the entry in flight: it may or may not be applied later. */
  | { readonly outcome: "unknown" };

export type BarrierOutcome =
  | { readonly outcome: "ready"; readonly index: LogIndex }
  | { readonly outcome: "no-leader" };

/** What applying entries changed, in log order. Drives cache invalidation, on every node alike. */
export interface AppliedBatch {
  /** Last index of the batch; state reads now see it. */
  readonly index: LogIndex;
  /** Storage keys that were put or deleted. */
  readonly keys: readonly string[];
  /** The whole state was replaced (snapshot installed or restored): drop every cache, reload the keyring. */
  readonly reset?: boolean;
}

export interface Leadership {
  /** It leads, and has applied every entry of earlier terms, with the feed delivered for them. */
  readonly isLeader: boolean;
  readonly leaderId: string | undefined;
  readonly term: number;
}

export interface ReplicatedLog {
  /**
   * Encoded write set (`encodeEntry`). Resolves once applied on THIS node, with the feed delivered for it. `not-leader` unless
   * this node leads in `term`; entries are appended in the order of the calls.
   */
  propose(entry: Uint8Array, term: number): Promise<ProposeOutcome>;
  /** Resolves when this node has applied every write acknowledged anywhere before the call (ReadIndex). */
  readBarrier(): Promise<BarrierOutcome>;
  /** Resolves when this node has applied `index`, or false after `timeoutMs`. */
  waitApplied(index: LogIndex, timeoutMs: number): Promise<boolean>;
  readonly appliedIndex: () => LogIndex;
  readonly leadership: () => Leadership;
  /** Gives the function that ends it. */
  onApplied(listener: (batch: AppliedBatch) => void): () => void;
  onLeadership(listener: (leadership: Leadership) => void): void;
}

/** A key's stored bytes and the log index that wrote them. */
export interface VersionedValue {
  readonly version: LogIndex;
  readonly sealed: Uint8Array;
}

/** Reads of the replicated state on this node's disk; see `store/state-database.ts`. */
export interface StateReader {
  /** Index the state reflects, read in one step with nothing else. */
  appliedIndex(): LogIndex;
  get(key: string): VersionedValue | undefined;
  /**
   * As `get`, and several times as fast: what stands there now, in the state as of the last reset. After a reset that this
   * reader has not been told of yet it may be of the state before, or miss a key of it.
   */
  peek(key: string): VersionedValue | undefined;
  /** A fixed point in time; MUST be closed. */
  snapshot(): StateSnapshot;
}

export interface StateSnapshot {
  readonly index: LogIndex;
  get(key: string): VersionedValue | undefined;
  /** Keys in [from, to), ascending, at most `limit`; `skipTo` semantics are built on this by the caller. */
  keys(from: string, to: string, limit: number): Promise<string[]>;
  close(): void;
}
