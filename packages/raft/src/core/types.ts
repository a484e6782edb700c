/**
 * The vocabulary of the protocol. Terms and rules follow Ongaro's thesis and etcd-io/raft; indexes and terms are safe
 * integers, time is counted in ticks.
 */

export type NodeId = string;
export type Term = number;
export type LogIndex = number;

/**
 * `normal`: bytes of the state machine. `config`: an encoded Configuration. `noop`: a new leader's first entry. `data` of
 * a noop is empty. Another kind in a log is refused, never skipped.
 */
export type EntryKind = "normal" | "config" | "noop";

export interface Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

export interface Server {
  readonly id: NodeId;
  /** host:port of the cluster listener. */
  readonly address: string;
  /** A learner gets the log and counts for nothing. */
  readonly voter: boolean;
}

/** Who takes part. In force from the moment its entry is appended, not from its commit. */
export interface Configuration {
  /** Everyone who gets the log. `voter` is what each will be once a change under way is over. */
  readonly servers: readonly Server[];
  /** Set while a change of several voters is under way (joint consensus): a decision then needs a majority of these as well. */
  readonly outgoing?: Outgoing;
}

/** The voters before the change, and those of them that get the log only until it is over. */
export interface Outgoing {
  readonly voters: readonly NodeId[];
  readonly leaving: readonly NodeId[];
}

/** On disk before any message that depends on it leaves. */
export interface HardState {
  readonly term: Term;
  readonly vote: NodeId | undefined;
  /** A hint; need not be synced. */
  readonly commit: LogIndex;
  /** Set on a server that began empty, until its log has come so far: see core/joining.ts. */
  readonly reach?: LogIndex;
}

export interface SnapshotMeta {
  readonly index: LogIndex;
  readonly term: Term;
  readonly configuration: Configuration;
  readonly configurationIndex: LogIndex;
}

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
}

export type Message =
  | (Envelope & { readonly type: "pre-vote" | "vote"; readonly lastIndex: LogIndex; readonly lastTerm: Term; /** Leadership transfer: do not wait for the leader's silence. */ readonly force: boolean })
  | (Envelope & { readonly type: "pre-vote-response" | "vote-response"; readonly granted: boolean })
  | (Envelope & { readonly type: "append"; readonly prevIndex: LogIndex; readonly prevTerm: Term; readonly entries: readonly Entry[]; readonly commit: LogIndex })
  | (Envelope & { readonly type: "append-response"; readonly ok: boolean; /** Last index that matches (ok), or the probe that failed. */ readonly index: LogIndex; /** On failure: where to probe next. */ readonly hintIndex: LogIndex; readonly hintTerm: Term; /** This server is fit to be the active node (unsealed). */ readonly canLead: boolean })
  | (Envelope & { readonly type: "heartbeat"; readonly commit: LogIndex; /** ReadIndex round, echoed by the response; 0 for none. */ readonly round: number; /** By the leader's clock, echoed by the response; 0 where it keeps no lease. */ readonly sentAt: number })
  | (Envelope & { readonly type: "heartbeat-response"; readonly round: number; readonly canLead: boolean; readonly sentAt: number; /** How long this server helps nobody else to lead (lease.ts); 0 is no promise. */ readonly patience: number })
  | (Envelope & { readonly type: "snapshot"; readonly meta: SnapshotMeta })
  | (Envelope & { readonly type: "snapshot-response"; readonly ok: boolean; readonly index: LogIndex })
  /** A follower asks for a read index; `id` is its own counter. */
  | (Envelope & { readonly type: "read-index"; readonly id: number })
  | (Envelope & { readonly type: "read-index-response"; readonly id: number; /** undefined: not the leader, ask again. */ readonly index: LogIndex | undefined })
  | (Envelope & { readonly type: "timeout-now" });

export type Role = "follower" | "pre-candidate" | "candidate" | "leader";

/** What a core wants done, in this order: persist (one synced batch), then send, then apply; then `advance`. */
export interface Ready {
  /** Present when it changed. Must be durable before `messages` leave. */
  readonly hardState: HardState | undefined;
  /** To append to the log; an index already there means: truncate from it first. */
  readonly entries: readonly Entry[];
  /** A snapshot this node accepted to install (its bytes come by the snapshot stream, outside the core). */
  readonly snapshot: SnapshotMeta | undefined;
  /** May leave while `entries` are being persisted (a leader's appends and heartbeats). */
  readonly messagesNow: readonly Message[];
  /** May leave only once hardState and entries are durable (votes, append responses). */
  readonly messagesAfterPersist: readonly Message[];
  /** To apply, in order. */
  readonly committed: readonly Entry[];
  /** Local reads whose index is confirmed: answer when applied >= index. index undefined: lost, ask again. */
  readonly reads: readonly { readonly id: number; readonly index: LogIndex | undefined }[];
  /** Present when it changed. */
  readonly leadership: { readonly role: Role; readonly leader: NodeId | undefined; readonly term: Term } | undefined;
}

/** What the core reads of the durable log. Implementations answer from memory (recent entries) or disk, synchronously. */
export interface LogReader {
  firstIndex(): LogIndex;
  lastIndex(): LogIndex;
  /** Term of an entry in [firstIndex-1, lastIndex], undefined where compacted or beyond. */
  term(index: LogIndex): Term | undefined;
  /** Entries in [from, to), at least one, then until `maxBytes`. Undefined where compacted. */
  entries(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[] | undefined;
  /** The newest snapshot that could be sent. */
  snapshotMeta(): SnapshotMeta | undefined;
}
