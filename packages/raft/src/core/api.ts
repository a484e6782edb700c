import type { Configuration, Entry, HardState, LogIndex, LogReader, Message, NodeId, Ready, Role, Term } from "./types.js";

export interface CoreOptions {
  readonly id: NodeId;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly maxInflightMessages: number;
  /** Bytes of entries sent to one peer and not yet acknowledged. */
  readonly maxInflightBytes: number;
  readonly maxEntriesBytesPerMessage: number;
  /** A server that cannot lead waits this many times longer before it campaigns. */
  readonly reluctanceFactor: number;
  /** How long a tick is, in the unit that `lease.now` counts in; the same unit on every server. */
  readonly tickLength: number;
  /** Answers reads by a lease (lease.ts, which tells what that rests on). `drift`: rates of clocks differ by less than this part. */
  readonly lease?: { readonly now: () => number; readonly drift: number };
  /** In [0, 1); the core's only source of chance. */
  readonly random: () => number;
  readonly log: LogReader;
  readonly hardState: HardState;
  /** In force at `appliedIndex`, by the entry at `configurationIndex`; later ones are found in the log. */
  readonly configuration: Configuration;
  readonly configurationIndex: LogIndex;
  readonly appliedIndex: LogIndex;
}

export interface PeerStatus {
  readonly id: NodeId;
  readonly matchIndex: LogIndex;
  readonly state: "probe" | "replicate" | "snapshot";
  /** Ticks since it last answered. */
  readonly silentTicks: number;
  readonly canLead: boolean;
}

export interface CoreStatus {
  readonly role: Role;
  readonly leader: NodeId | undefined;
  readonly term: Term;
  readonly vote: NodeId | undefined;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  readonly lastIndex: LogIndex;
  /** In force here: perhaps not committed yet, perhaps joint. */
  readonly configuration: Configuration;
  readonly configurationIndex: LogIndex;
  readonly peers: readonly PeerStatus[];
  /** The leader has committed and applied an entry of its own term. */
  readonly leaderReady: boolean;
  /** The leader is handing over to this server and takes no proposals. */
  readonly transferTo: NodeId | undefined;
}

export type Proposed = { readonly ok: true; readonly index: LogIndex; readonly term: Term } | { readonly ok: false; readonly reason: "not-leader" | "transferring" | "change-in-progress" | "invalid-configuration" | "not-caught-up" };

/** The protocol as a function of its inputs: no clock, no I/O, no promises. One driver calls it, never re-entrantly. */
export interface RaftCore {
  tick(): void;
  step(message: Message): void;
  /** `term`: refused unless this server leads in it. */
  propose(data: Uint8Array, term?: Term): Proposed;
  /**
   * Changes to these servers, whatever the difference. Where more than one vote changes, the entry at the index returned begins
   * a joint configuration; the leader ends it by a second entry when that one is committed (`configuration.outgoing` is gone
   * then). `change-in-progress`: an earlier change is uncommitted or joint, or the leader has yet to commit an entry of its own
   * term. `invalid-configuration`: nobody would vote, or a server is named twice or without an address. `not-caught-up`: a server
   * would gain its vote that has acknowledged nothing to this leader yet. It should be a learner first, and caught up: a voter
   * that is behind holds up commits.
   */
  proposeConfiguration(configuration: Configuration): Proposed;
  /** Asks for a read point; the outcome comes in `Ready.reads` under this id. On a follower it goes to the leader. */
  readIndex(id: number): void;
  transferLeadership(to: NodeId | undefined): boolean;
  setCanLead(canLead: boolean): void;
  /** Campaign at once, whatever was promised to a leader (bootstrap of a single node, tests). */
  campaign(): void;
  /** The transport lost this peer's stream: back to probing. */
  reportUnreachable(id: NodeId): void;
  /** The snapshot stream to this peer ended. */
  reportSnapshot(id: NodeId, ok: boolean): void;
  /** A snapshot from `Ready.snapshot` is installed (or failed: undefined). */
  snapshotInstalled(index: LogIndex | undefined): void;
  hasReady(): boolean;
  /** Takes what is to be done. Ready values may overlap persistence: the next may be taken before the last is durable. */
  ready(): Ready;
  /** Entries up to `index` (written in `term`) are durable here: only now do they count towards a quorum. */
  persisted(index: LogIndex, term: Term): void;
  applied(index: LogIndex): void;
  status(): CoreStatus;
  /** Entries appended but not yet known durable; the log reader need not have them. */
  unstable(): readonly Entry[];
}
