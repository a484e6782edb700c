import type { Configuration, LogIndex, NodeId, Role, Server, SnapshotMeta, Term } from "../core/types.js";

/** A fixed point of the state, streamed while writes go on. Read once, and closed. */
export interface OpenedState {
  readonly index: LogIndex;
  readonly term: Term;
  /** At most 1 MiB or so each. */
  readonly chunks: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** The replicated state as the host sees it. Calls never overlap. */
export interface StateMachine {
  /** Last entry applied, as found at start (0 for a new one). */
  appliedIndex(): LogIndex;
  appliedTerm(): Term;
  /**
   * The last entry of which effects may be there. Beyond what is applied only where a loss of power took a part of what was: all up to
   * it is applied again before this member listens, and until then nobody may read the state.
   */
  reached(): { readonly index: LogIndex; readonly term: Term };
  /** Applies a group in order, atomically for each entry. `config` and `noop` entries come too, to move the applied index. */
  apply(group: readonly { readonly index: LogIndex; readonly term: Term; readonly kind: "normal" | "config" | "noop"; readonly data: Uint8Array }[]): Promise<readonly ApplyResult[]>;
  /** Makes everything applied so far durable and returns that index: compaction may only drop entries at or below it. */
  flush(): Promise<LogIndex>;
  openSnapshot(): Promise<OpenedState>;
  /** Replaces the whole state. All or nothing across a crash; durable once it resolves. */
  installSnapshot(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<void>;
}

/** The state machine's word on one entry; handed to the proposer, if it is here. */
export type ApplyResult = "applied" | "conflict";

export type ProposeResult =
  | { readonly outcome: "applied" | "conflict"; readonly index: LogIndex }
  | { readonly outcome: "not-leader" | "overloaded" | "unknown" };

export type MembershipResult = { readonly ok: true; readonly index: LogIndex } | { readonly ok: false; readonly reason: "not-leader" | "change-in-progress" | "unknown-server" | "id-in-use" | "last-voter" | "leads" | "timeout"; readonly message: string };

/** Since this member started. Of the messages on their way one of each kind is timed. */
export interface ReplicationTimes {
  /** From sending entries until the follower has them on disk. */
  readonly appendMsSum: number;
  readonly appendCount: number;
  /** Messages with entries, and the entries in them. */
  readonly appendMessages: number;
  readonly appendEntries: number;
  /** From sending a heartbeat until its answer. */
  readonly heartbeatMsSum: number;
  readonly heartbeatCount: number;
}

export interface ServerHealth {
  readonly id: NodeId;
  readonly address: string;
  readonly voter: boolean;
  readonly leader: boolean;
  readonly matchIndex: LogIndex;
  /** Of the entry at `matchIndex`; 0 where the log does not reach back to it. */
  readonly lastTerm: Term;
  /** Milliseconds since the leader last heard from it; 0 for itself. Only on the leader. */
  readonly lastContactMs: number | undefined;
  /** Of a follower, on the leader. */
  readonly replication?: ReplicationTimes;
}

export interface RaftStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly leader: NodeId | undefined;
  readonly leaderAddress: string | undefined;
  readonly term: Term;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly firstIndex: LogIndex;
  readonly configuration: Configuration;
  readonly configurationIndex: LogIndex;
  readonly servers: readonly ServerHealth[];
}

export interface TransportOptions {
  /** host:port to listen on. */
  readonly listen: string;
  /** host:port at which the other servers reach this one. */
  readonly advertise: string;
  /** PEM. Every connection, either way, is mutual TLS with a certificate of this CA. */
  readonly tls: { readonly ca: string; readonly certificate: string; readonly key: string };
  /** Sent with every stream; a peer of another cluster is refused. */
  readonly clusterId: string;
}

export interface RaftOptions {
  readonly id: NodeId;
  /** Folder of the log database. */
  readonly directory: string;
  readonly transport: TransportOptions;
  /** A new cluster: where the log is empty, it begins with this node, at this address, as its only voter. */
  readonly bootstrap?: { readonly address: string };
  /** Makes this server the only one, whoever was there, with all that its own log holds. Nobody else may go on with what they have. */
  readonly alone?: true;
  /** Milliseconds a tick; default 50. */
  readonly tickMs?: number;
  /** Followers campaign after between this many ticks and twice as many without a leader. */
  readonly electionTicks?: number;
  readonly heartbeatTicks?: number;
  /** The leader answers reads without asking the others while they have answered it lately: see core/lease.ts for what that rests on. */
  readonly readLease?: boolean;
  /** Entries kept behind a compaction for slow followers, as long as they are no more than `trailingBytes`. */
  readonly trailingLogs?: number;
  readonly trailingBytes?: number;
  /** Entries, or bytes of entries, applied since the last compaction that start the next one. */
  readonly snapshotThreshold?: number;
  readonly snapshotThresholdBytes?: number;
  readonly maxInflightMessages?: number;
  /** Bytes of entries sent to one follower and not yet acknowledged: what a slow one may cost the leader. */
  readonly maxInflightBytes?: number;
  readonly maxEntriesBytesPerMessage?: number;
  /** Proposals waiting to be applied, by bytes and by number; beyond either `overloaded`. */
  readonly maxPendingBytes?: number;
  readonly maxPendingProposals?: number;
}

export interface RaftLogger {
  log(level: "debug" | "info" | "warn" | "error", message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A running consensus member. Everything here runs on the raft worker thread. */
export interface RaftHost {
  /** `term`: `not-leader` unless this member leads in it. */
  propose(data: Uint8Array, term?: Term): Promise<ProposeResult>;
  /** Linearizable read point: resolves once this node has applied it. Calls made together share one round. */
  readBarrier(): Promise<{ readonly outcome: "ready"; readonly index: LogIndex } | { readonly outcome: "no-leader" }>;
  status(): RaftStatus;
  /** Adds a learner and, when `voter`, promotes it once it has caught up. */
  addServer(server: { readonly id: NodeId; readonly address: string; readonly voter: boolean }): Promise<MembershipResult>;
  removeServer(id: NodeId): Promise<MembershipResult>;
  /** Takes a server its vote. `leads` where that is this one. */
  demoteServer(id: NodeId): Promise<MembershipResult>;
  /** Goes over to exactly these servers in one step (joint consensus). A new voter must be a learner of the cluster that has caught up. */
  changeServers(servers: readonly Server[]): Promise<MembershipResult>;
  /** Hands leadership to `to`, or to the most caught-up voter that can lead. Resolves when another server leads, or false. */
  transferLeadership(to?: NodeId): Promise<boolean>;
  /** A node that cannot lead (sealed) campaigns only long after the others would, and hands leadership on. */
  setCanLead(canLead: boolean): void;
  onLeadership(listener: (leadership: { readonly role: Role; readonly leader: NodeId | undefined; readonly leaderAddress: string | undefined; readonly term: Term; /** True once a leader has applied its own first entry: only then may it serve. */ readonly ready: boolean }) => void): void;
  /** An invariant failed or the disk did: the member has stopped. */
  onFatal(listener: (error: Error) => void): void;
  /** A fixed point of the state, to keep elsewhere. */
  openSnapshot(): Promise<OpenedState>;
  /** The disk began to hang, neither writing nor failing, or answers again. Meanwhile this member does not lead where another can. */
  onDisk(listener: (isStalled: boolean) => void): void;
  /** As measured since the start; sums and counts, and a few of this moment. */
  metrics(): Readonly<Record<string, number>>;
  stop(): Promise<void>;
}
