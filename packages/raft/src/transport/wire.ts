import { fileURLToPath } from "node:url";
import type grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { Server, SnapshotMeta } from "../core/types.js";

/** Versions of the protocol that this node speaks, told in every stream's metadata; a peer that speaks none of them is refused. */
export const PROTOCOL_VERSIONS: { readonly oldest: number; readonly newest: number } = Object.freeze({ oldest: 1, newest: 1 });

export interface WireSnapshotChunk {
  header?: { from: string; sender_term: number; index: number; term: number; servers: Server[]; configuration_index: number; outgoing?: { voters: string[]; leaving: string[] } | null; transfer: string } | null;
  data?: Uint8Array;
  checksum?: number;
  last?: boolean;
  count?: number;
}

export interface WireSnapshotProgress {
  received?: number;
  done?: boolean;
  installed?: boolean;
}

type Method<Request, Answer> = grpc.MethodDefinition<Request, Answer>;

export interface RaftService extends grpc.ServiceDefinition {
  /** Frames as bytes (frame.ts). */
  Messages: Method<Uint8Array, Uint8Array>;
  InstallSnapshot: Method<WireSnapshotChunk, WireSnapshotProgress>;
}

const definition = loadSync(fileURLToPath(new URL("../../../../proto/raft.proto", import.meta.url)), {
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: true,
});

const declared = definition["coffer.raft.v1.Raft"] as unknown as RaftService;
const asItIs = <T>(bytes: T) => bytes;

export const raftService: RaftService = {
  ...declared,
  Messages: { ...declared.Messages, requestSerialize: asItIs as (frame: Uint8Array) => Buffer, requestDeserialize: asItIs },
};

export function headerToWire(from: string, senderTerm: number, meta: SnapshotMeta, transfer: string): NonNullable<WireSnapshotChunk["header"]> {
  const { servers, outgoing } = meta.configuration;
  return {
    transfer, from, sender_term: senderTerm, index: meta.index, term: meta.term, servers: [...servers], configuration_index: meta.configurationIndex,
    ...(outgoing && { outgoing: { voters: [...outgoing.voters], leaving: [...outgoing.leaving] } }),
  };
}

export function metaFromWire(header: NonNullable<WireSnapshotChunk["header"]>): SnapshotMeta {
  const servers = header.servers.map(({ id, address, voter }) => ({ id, address, voter }));
  const outgoing = header.outgoing ? { outgoing: { voters: header.outgoing.voters, leaving: header.outgoing.leaving } } : {};
  return { index: header.index, term: header.term, configuration: { servers, ...outgoing }, configurationIndex: header.configuration_index };
}
