import grpc from "@grpc/grpc-js";
import type { NodeId } from "../core/types.js";
import type { TransportOptions } from "../host/api.js";
import { CLIENT_OPTIONS, clientCredentials } from "./credentials.js";
import type { TransportEvents } from "./transport.js";
import { raftService, toWire } from "./wire.js";
import type { Sendable, WireFrame, WireSnapshotChunk } from "./wire.js";

/** Bytes written and not yet taken by the socket; beyond them appends are dropped and the peer counts as unreachable. */
const MAX_QUEUED_BYTES = 32 * 1024 * 1024;
const REOPEN_MS = 50;

export interface Peer {
  readonly address: string;
  send(messages: readonly Sendable[]): void;
  openSnapshot(done: (error: Error | null, result?: { installed: boolean }) => void): grpc.ClientWritableStream<WireSnapshotChunk>;
  close(): void;
}

const RaftClient = grpc.makeGenericClientConstructor(raftService, "Raft");

type Stream = grpc.ClientDuplexStream<WireFrame, WireFrame>;

/** The outgoing half of the conversation with one server: a stream that is reopened whenever it breaks. */
export function createPeer(id: NodeId, address: string, tls: TransportOptions["tls"], metadata: grpc.Metadata, events: TransportEvents): Peer {
  const client = new RaftClient(address, clientCredentials(tls), CLIENT_OPTIONS);
  let stream: Stream | undefined;
  let queuedBytes = 0;
  let closed = false;
  let reopen: NodeJS.Timeout | undefined;

  function open(): void {
    queuedBytes = 0;
    const opened = (client["Messages"] as unknown as (metadata: grpc.Metadata) => Stream).call(client, metadata);
    stream = opened;
    opened.on("data", () => undefined);
    opened.on("error", (error: grpc.ServiceError) => {
      if (error.code === grpc.status.FAILED_PRECONDITION) events.log("error", "peer refuses the stream", { peer: id, address, reason: error.details });
      lost(opened);
    });
    opened.on("end", () => lost(opened));
  }

  function lost(which: Stream): void {
    if (stream !== which) return;
    stream = undefined;
    if (closed) return;
    events.onUnreachable(id);
    reopen = setTimeout(open, REOPEN_MS);
  }

  open();
  return {
    address,
    send(messages) {
      const current = stream;
      if (!current) return;
      let kept = messages;
      if (queuedBytes > MAX_QUEUED_BYTES) {
        kept = messages.filter((message) => message.type !== "append" || message.entries.length === 0);
        if (kept.length < messages.length) events.onUnreachable(id);
      }
      if (kept.length === 0) return;
      const bytes = kept.reduce((sum, message) => sum + 64 + (message.type === "append" ? message.entries.reduce((all, entry) => all + entry.data.length + 16, 0) : 0), 0);
      queuedBytes += bytes;
      current.write({ messages: kept.map(toWire) }, () => {
        if (stream === current) queuedBytes -= bytes;
      });
    },
    openSnapshot: (done) =>
      (client["Snapshot"] as unknown as (metadata: grpc.Metadata, callback: typeof done) => grpc.ClientWritableStream<WireSnapshotChunk>).call(client, metadata, done),
    close() {
      closed = true;
      clearTimeout(reopen);
      stream?.cancel();
      client.close();
    },
  };
}
