import grpc from "@grpc/grpc-js";
import type { NodeId } from "../core/types.js";
import type { TransportOptions } from "../host/api.js";
import { CLIENT_OPTIONS, clientCredentials } from "./credentials.js";
import type { SnapshotTarget } from "../snapshot/streams.js";
import type { TransportEvents } from "./transport.js";
import { encodeFrame, sizeOf } from "./frame.js";
import type { Sendable } from "./frame.js";
import { raftService } from "./wire.js";
import type { WireSnapshotChunk, WireSnapshotProgress } from "./wire.js";

/** Bytes written and not yet taken by the socket; beyond them appends are dropped and the peer counts as unreachable. */
const MAX_QUEUED_BYTES = 32 * 1024 * 1024;
/** A frame is closed beyond this, so that none comes near gRPC's limit and a heartbeat is not held up behind many appends. */
const FRAME_BYTES = 1024 * 1024;
/** A peer that is gone is looked for again after these waits, doubling from the first to the last. */
const FIRST_REOPEN_MS = 50;
const LAST_REOPEN_MS = 250;
/** A stream that was not taken up by then leads into the void: a packet that is never answered would else be waited for much longer. */
const OPEN_TIMEOUT_MS = 1000;

type SnapshotStream = grpc.ClientDuplexStream<WireSnapshotChunk, WireSnapshotProgress>;

export interface Peer extends SnapshotTarget {
  readonly address: string;
  send(messages: readonly Sendable[]): void;
  /** The peer has just been heard of: if it was lost, look for it now. */
  hurry(): void;
  queuedBytes(): number;
  /** Bytes given to streams since it was met. */
  sentBytes(): number;
  close(): void;
}

const RaftClient = grpc.makeGenericClientConstructor(raftService, "Raft");

type Stream = grpc.ClientDuplexStream<Uint8Array, Uint8Array>;

/** The outgoing half of the conversation with one server: a stream that is reopened, on a new connection, whenever it breaks. */
export function createPeer(id: NodeId, address: string, tls: TransportOptions["tls"], metadata: grpc.Metadata, events: TransportEvents): Peer {
  const newClient = () => new RaftClient(address, clientCredentials(tls), CLIENT_OPTIONS);
  let client = newClient();
  let stream: Stream | undefined;
  let queuedBytes = 0;
  let sentBytes = 0;
  let closed = false;
  let reopenMs = FIRST_REOPEN_MS;
  let reopen: NodeJS.Timeout | undefined;
  let openTimeout: NodeJS.Timeout | undefined;
  let refusal: string | undefined;

  function open(): void {
    queuedBytes = 0;
    const opened = (client["Messages"] as unknown as (metadata: grpc.Metadata) => Stream).call(client, metadata);
    stream = opened;
    openTimeout = setTimeout(() => opened.cancel(), OPEN_TIMEOUT_MS);
    opened.on("metadata", () => {
      clearTimeout(openTimeout);
      reopenMs = FIRST_REOPEN_MS;
    });
    opened.on("data", () => undefined);
    opened.on("error", (error: grpc.ServiceError) => {
      if (error.code === grpc.status.FAILED_PRECONDITION && error.details !== refusal) {
        refusal = error.details;
        events.log("error", "peer refuses the stream", { peer: id, address, reason: refusal });
      }
      lost(opened);
    });
    opened.on("end", () => lost(opened));
  }

  function lost(which: Stream): void {
    if (stream !== which) return;
    stream = undefined;
    clearTimeout(openTimeout);
    client.close();
    if (closed) return;
    // A channel of gRPC waits by its own clock, and for a silent address much longer: a new one tries at once.
    client = newClient();
    events.onUnreachable(id);
    reopen = setTimeout(open, reopenMs);
    reopenMs = Math.min(reopenMs * 2, LAST_REOPEN_MS);
  }

  function write(frame: readonly Sendable[], bytes: number): void {
    const current = stream!;
    queuedBytes += bytes;
    sentBytes += bytes;
    current.write(encodeFrame(frame), () => {
      if (stream === current) queuedBytes -= bytes;
    });
  }

  open();
  return {
    address,
    send(messages) {
      if (!stream) return;
      const isFull = queuedBytes > MAX_QUEUED_BYTES;
      let frame: Sendable[] = [];
      let bytes = 0;
      for (const message of messages) {
        if (isFull && message.type === "append" && message.entries.length > 0) continue;
        frame.push(message);
        bytes += sizeOf(message);
        if (bytes < FRAME_BYTES) continue;
        write(frame, bytes);
        frame = [];
        bytes = 0;
      }
      if (frame.length > 0) write(frame, bytes);
      if (isFull) events.onUnreachable(id);
    },
    openSnapshot: () => (client["InstallSnapshot"] as unknown as (metadata: grpc.Metadata) => SnapshotStream).call(client, metadata),
    hurry() {
      if (stream || closed) return;
      clearTimeout(reopen);
      open();
    },
    queuedBytes: () => queuedBytes,
    sentBytes: () => sentBytes,
    close() {
      closed = true;
      clearTimeout(reopen);
      clearTimeout(openTimeout);
      stream?.cancel();
      client.close();
    },
  };
}
