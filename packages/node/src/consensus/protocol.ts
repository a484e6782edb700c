/**
 * What the main thread and the raft worker say to each other. Both ends are ours and in one process, so the types are
 * trusted; bytes are structured-cloned, never parsed on the way.
 */
import type { MembershipResult, RaftStatus } from "@coffer/raft";
import type { Proposals } from "./proposals.js";

export interface WorkerStart {
  readonly nodeId: string;
  /** Holds `log/` and `state/`. */
  readonly directory: string;
  /** host:port to listen on for the cluster. */
  readonly listen: string;
  /** host:port at which the other nodes reach this one. */
  readonly advertise: string;
  /** A new cluster: this node is its first member. */
  readonly bootstrap: boolean;
  /** Recovery mode: this node becomes the only one. */
  readonly alone: boolean;
  readonly clusterId: string;
  readonly tls: { readonly ca: string; readonly certificate: string; readonly key: string };
  readonly performanceMultiplier: number;
  readonly readLease: boolean;
  readonly trailingLogs: number | undefined;
  readonly snapshotThreshold: number | undefined;
}

/** Asked by the main thread; each call is answered once under its id. */
export interface Calls {
  readBarrier: { argument: null; answer: { outcome: "ready"; index: number } | { outcome: "no-leader" } };
  status: { argument: null; answer: RaftStatus };
  metrics: { argument: null; answer: Readonly<Record<string, number>> };
  addServer: { argument: { id: string; address: string; voter: boolean }; answer: MembershipResult };
  removeServer: { argument: string; answer: MembershipResult };
  demoteServer: { argument: string; answer: MembershipResult };
  transferLeadership: { argument: null; answer: boolean };
  /** Opens a fixed point of the state; its chunks come by `snapshotChunk`. */
  openSnapshot: { argument: null; answer: { id: number; index: number; term: number } };
  /** null: the end. */
  snapshotChunk: { argument: number; answer: Uint8Array | null };
  closeSnapshot: { argument: number; answer: null };
  /** Deletes state folders that installations left; only once the readers have left them. */
  dropRetired: { argument: null; answer: null };
  /** Waits until the other nodes have left this one, with all their answers, for at most so many milliseconds. */
  questionsAnswered: { argument: number; answer: null };
  stop: { argument: null; answer: null };
}

export type CallName = keyof Calls;

export type ToWorker =
  | { readonly type: "start"; readonly options: WorkerStart }
  | { readonly type: "call"; readonly id: number; readonly name: CallName; readonly argument: unknown }
  | ({ readonly type: "proposals" } & Proposals)
  | { readonly type: "can-lead"; readonly canLead: boolean }
  /** Somebody waits until this entry is applied. */
  | { readonly type: "awaited"; readonly index: number }
  | { readonly type: "forwarded"; readonly id: number; readonly bytes: Uint8Array };

export interface LeadershipChange {
  readonly isLeader: boolean;
  /** The leader has applied its own first entry: it may serve. */
  readonly ready: boolean;
  readonly leaderId: string | undefined;
  readonly leaderAddress: string | undefined;
  readonly term: number;
}

export type FromWorker =
  | { readonly type: "started"; readonly stateDirectory: string; readonly appliedIndex: number }
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | { readonly type: "failed"; readonly id: number; readonly message: string }
  /** Proposals by their ids, each applied at the index in the same place; of which something else is to be said, has an answer of its own. */
  | { readonly type: "committed"; readonly ids: number[]; readonly indexes: number[] }
  | { readonly type: "applied"; readonly index: number; readonly keys: readonly string[]; readonly reset?: { readonly stateDirectory: string } }
  | { readonly type: "leadership"; readonly change: LeadershipChange }
  /** A request that a standby forwarded here: opaque to this thread. */
  | { readonly type: "forward"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: "log"; readonly level: string; readonly message: string; readonly fields: Readonly<Record<string, unknown>> }
  /** The log's disk began to hang, or answers again. */
  | { readonly type: "disk"; readonly isStalled: boolean }
  /** `disk`: it is full or fails; what was acknowledged is safe, and may be gone on with later. */
  | { readonly type: "fatal"; readonly message: string; readonly disk: boolean };
