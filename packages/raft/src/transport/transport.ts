import grpc from "@grpc/grpc-js";
import type { Message, NodeId, Server } from "../core/types.js";
import type { TransportOptions } from "../host/api.js";
import { UnknownEntryError } from "../log/record.js";
import { serverCredentials, SERVER_OPTIONS } from "./credentials.js";
import type { IncomingSnapshotCall, SnapshotTarget } from "../snapshot/streams.js";
import { createPeer } from "./peer.js";
import type { Peer } from "./peer.js";
import { decodeFrame } from "./frame.js";
import type { Sendable } from "./frame.js";
import { PROTOCOL_VERSIONS, raftService } from "./wire.js";
import type { WireSnapshotChunk, WireSnapshotProgress } from "./wire.js";

/** Peers whose refusal was logged. */
const MAX_TOLD = 100;

export interface TransportEvents {
  readonly onMessages: (messages: readonly Message[]) => void;
  readonly onUnreachable: (id: NodeId) => void;
  readonly onSnapshot: (call: IncomingSnapshotCall) => void;
  /** A peer sent what this version must not skip: the member has to stop. */
  readonly onFatal: (error: Error) => void;
  readonly log: (level: "debug" | "info" | "warn" | "error", message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

export interface Transport {
  /** Messages to one peer leave as one frame. Those to unknown servers are dropped: the protocol repeats what matters. */
  send(messages: readonly Sendable[]): void;
  /** Follows the configuration: streams to servers that went are closed. */
  setServers(servers: readonly Server[]): void;
  peer(id: NodeId): SnapshotTarget | undefined;
  /** Bytes handed to gRPC and not yet taken by a socket. */
  queuedBytes(): number;
  /** Bytes handed to gRPC since the start. */
  sentBytes(): number;
  close(): Promise<void>;
}

/** Metadata of a stream: who speaks, of which cluster. */
export function handshake(options: TransportOptions, from: NodeId, to: NodeId): grpc.Metadata {
  const metadata = new grpc.Metadata();
  metadata.set("coffer-cluster-id", options.clusterId);
  metadata.set("coffer-from", from);
  metadata.set("coffer-to", to);
  metadata.set("coffer-address", options.advertise);
  metadata.set("coffer-protocol", String(PROTOCOL_VERSIONS.newest));
  metadata.set("coffer-protocol-oldest", String(PROTOCOL_VERSIONS.oldest));
  return metadata;
}

/** Why two sides with these versions cannot talk, or undefined. An older version than any tells its newest only. */
export function protocolRefusal(metadata: grpc.Metadata, ours = PROTOCOL_VERSIONS): string | undefined {
  const [newest, oldest] = ["coffer-protocol", "coffer-protocol-oldest"].map((name) => metadata.get(name)[0]);
  const theirs = { newest: Number(newest), oldest: Number(oldest ?? newest) };
  if (theirs.oldest <= ours.newest && theirs.newest >= ours.oldest) return undefined;
  const range = (versions: { readonly oldest: number; readonly newest: number }) => (Number.isNaN(versions.newest) ? "none that is known" : versions.oldest === versions.newest ? `${versions.newest}` : `${versions.oldest} to ${versions.newest}`);
  return `the peer speaks raft protocol ${range(theirs)}, this node ${range(ours)}: bring both to versions of Coffer that are at most one upgrade apart`;
}

/** Why a stream is refused, or undefined. The certificate was checked by TLS already. */
function refusal(metadata: grpc.Metadata, options: TransportOptions, self: NodeId): string | undefined {
  const [clusterId, to] = ["coffer-cluster-id", "coffer-to"].map((name) => String(metadata.get(name)[0] ?? ""));
  const incompatible = protocolRefusal(metadata);
  if (incompatible !== undefined) return incompatible;
  if (clusterId !== options.clusterId) return "this node belongs to another cluster";
  if (to !== self) return `this node is ${self}, not ${to}`;
  return undefined;
}

/** Starts listening. `extend` puts further services on the same port, under the same mutual TLS. */
export async function startTransport(self: NodeId, options: TransportOptions, events: TransportEvents, extend?: (server: grpc.Server) => void): Promise<Transport> {
  const peers = new Map<NodeId, Peer>();
  // A server that was just added has an empty configuration: it answers its leader at the address the leader gave.
  const callers = new Map<NodeId, Peer>();
  const listening = new Map<NodeId, unknown>();
  const told = new Map<NodeId, string>();
  const server = new grpc.Server(SERVER_OPTIONS);

  /** Why a call is refused, or undefined. The same refusal again and again is logged once. */
  function refused(metadata: grpc.Metadata): string | undefined {
    const reason = refusal(metadata, options, self);
    const from = String(metadata.get("coffer-from")[0] ?? "unknown");
    if (reason === undefined) told.delete(from);
    else if (told.get(from) !== reason) {
      if (told.size >= MAX_TOLD) told.clear();
      told.set(from, reason);
      events.log("error", "refusing a peer", { peer: from, address: String(metadata.get("coffer-address")[0] ?? "unknown"), reason });
    }
    return reason;
  }

  function meet(id: NodeId, address: string): void {
    if (callers.get(id)?.address === address) return;
    end(callers.get(id));
    callers.set(id, createPeer(id, address, options.tls, handshake(options, self, id), events));
  }

  /** To peers that are gone. */
  let sentBefore = 0;
  function end(peer: Peer | undefined): void {
    if (!peer) return;
    sentBefore += peer.sentBytes();
    peer.close();
  }

  function forget(known: Map<NodeId, Peer>, id: NodeId): void {
    end(known.get(id));
    known.delete(id);
  }

  server.addService(raftService, {
    Messages(call: grpc.ServerDuplexStream<Uint8Array, Uint8Array>) {
      const reason = refused(call.metadata);
      if (reason !== undefined) {
        call.emit("error", { code: grpc.status.FAILED_PRECONDITION, details: reason });
        return;
      }
      const from = String(call.metadata.get("coffer-from")[0]);
      if (!peers.has(from)) meet(from, String(call.metadata.get("coffer-address")[0]));
      peers.get(from)?.hurry();
      listening.set(from, call);
      // Tells the caller that somebody is there.
      call.sendMetadata(new grpc.Metadata());
      call.on("data", (frame: Uint8Array) => {
        try {
          events.onMessages(decodeFrame(frame, from));
        } catch (error) {
          if (error instanceof UnknownEntryError) events.onFatal(error);
          events.log("error", "a peer's message cannot be read", { peer: from, reason: String(error) });
          call.emit("error", { code: grpc.status.FAILED_PRECONDITION, details: String(error) });
        }
      });
      call.on("error", () => undefined);
      call.on("end", () => call.end());
      call.on("close", () => {
        if (listening.get(from) !== call) return;
        listening.delete(from);
        // A stranger that hung up is not called back; it will introduce itself again.
        forget(callers, from);
      });
    },
    InstallSnapshot(call: grpc.ServerDuplexStream<WireSnapshotChunk, WireSnapshotProgress>) {
      call.on("error", () => undefined);
      const reason = refused(call.metadata);
      if (reason !== undefined) call.emit("error", { code: grpc.status.FAILED_PRECONDITION, details: reason });
      else events.onSnapshot(call);
    },
  });
  extend?.(server);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(options.listen, serverCredentials(options.tls), (error) => (error ? reject(new Error(`cannot listen on ${options.listen}: ${error.message}`)) : resolve()));
  });

  return {
    send(messages) {
      const frames = new Map<NodeId, Sendable[]>();
      for (const message of messages) {
        const frame = frames.get(message.to);
        if (frame) frame.push(message);
        else frames.set(message.to, [message]);
      }
      for (const [to, frame] of frames) (peers.get(to) ?? callers.get(to))?.send(frame);
    },
    setServers(servers) {
      for (const { id, address } of servers) {
        if (id === self || peers.get(id)?.address === address) continue;
        forget(peers, id);
        meet(id, address);
        peers.set(id, callers.get(id)!);
        callers.delete(id);
      }
      for (const [id, peer] of [...peers]) {
        if (servers.some((known) => known.id === id)) continue;
        // One that still speaks is still answered: a leader that removes itself waits for acknowledgements of that.
        if (listening.has(id)) callers.set(id, peer);
        else end(peer);
        peers.delete(id);
      }
    },
    peer: (id) => peers.get(id),
    queuedBytes: () => [...peers.values(), ...callers.values()].reduce((sum, peer) => sum + peer.queuedBytes(), 0),
    sentBytes: () => [...peers.values(), ...callers.values()].reduce((sum, peer) => sum + peer.sentBytes(), sentBefore),
    async close() {
      for (const peer of [...peers.values(), ...callers.values()]) peer.close();
      server.forceShutdown();
    },
  };
}
