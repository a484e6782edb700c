import { fileURLToPath } from "node:url";
import type grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { MessageTypeDefinition } from "@grpc/proto-loader";

/** proto/cluster.proto, as proto-loader gives it: numbers for uint64, absent fields as their defaults. The raft thread knows no more of it. */
export interface WireFrame {
  readonly id: number;
  readonly payload: Uint8Array;
}

interface ClusterService extends grpc.ServiceDefinition {
  Ask: grpc.MethodDefinition<WireFrame, WireFrame>;
}

const definition = loadSync(fileURLToPath(new URL("../../../../proto/cluster.proto", import.meta.url)), { keepCase: true, longs: Number, defaults: true, oneofs: true });

export const clusterService = definition["coffer.cluster.v1.Cluster"] as unknown as ClusterService;
export const questionType = definition["coffer.cluster.v1.Question"] as unknown as MessageTypeDefinition<object, object>;
export const answerType = definition["coffer.cluster.v1.Answer"] as unknown as MessageTypeDefinition<object, object>;
