import type { WireSnapshotChunk, WireSnapshotProgress } from "../transport/wire.js";

/** What sending and receiving a state ask of the two ends of a stream; gRPC's duplex streams are such. */

/** The sender's end. Events: `data` (progress), `drain`, and `error` or `end`, after which nothing comes. */
export interface SnapshotCall {
  /** False when the other side lags; `drain` tells when there is room again. */
  write(chunk: WireSnapshotChunk): boolean;
  on(event: "data", listener: (progress: WireSnapshotProgress) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  once(event: "drain", listener: () => void): unknown;
  /** Breaks it. */
  cancel(): void;
  /** Nothing more will be written. */
  end(): void;
}

/** The receiver's end. */
export interface IncomingSnapshotCall {
  /** Chunks in their order; ends or throws when the stream does. */
  [Symbol.asyncIterator](): AsyncIterator<WireSnapshotChunk>;
  write(progress: WireSnapshotProgress): unknown;
  end(): void;
  /** Breaks it, and tells the sender why: a status of gRPC. */
  emit(event: "error", error: { readonly code: number; readonly details: string }): unknown;
}

/** A server that can be sent a state. */
export interface SnapshotTarget {
  openSnapshot(): SnapshotCall;
}
